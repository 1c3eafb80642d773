import type { CompileJob } from '../compile/plan.ts';

/** A job with its number among those of its interpreter. */
export interface NumberedJob extends CompileJob {
  readonly number: number;
}

/** Jobs that follow each other. Plain data. */
export interface JobChunk {
  /** The number of the first. */
  readonly first: number;
  /** Empty if no jobs are left. */
  readonly jobs: readonly CompileJob[];
}

/** A larger chunk saves no more. */
const maxChunk = 32;

/** The jobs of each interpreter, which all threads take from. */
export class JobQueue {
  readonly #jobs: readonly (readonly CompileJob[])[];
  readonly #taken: number[];
  readonly #threads: number;
  #isStopped = false;

  /** @param threads how many take chunks */
  constructor(jobs: readonly (readonly CompileJob[])[], threads: number) {
    this.#jobs = jobs;
    this.#taken = jobs.map(() => 0);
    this.#threads = threads;
  }

  /** Takes some jobs of an interpreter: fewer when few are left, so that all threads finish together. */
  takeChunk(interpreter: number): JobChunk {
    const [jobs = [], first = 0] = [this.#jobs[interpreter], this.#taken[interpreter]];
    if (this.#isStopped) return { first, jobs: [] };
    const size = Math.min(maxChunk, Math.ceil((jobs.length - first) / (4 * this.#threads)));
    this.#taken[interpreter] = first + size;
    return { first, jobs: jobs.slice(first, first + size) };
  }

  /** Takes one job; undefined if none is left. */
  take(interpreter: number): NumberedJob | undefined {
    const number = this.#taken[interpreter] ?? 0;
    const job = this.#jobs[interpreter]?.[number];
    if (job === undefined || this.#isStopped) return undefined;
    this.#taken[interpreter] = number + 1;
    return { ...job, number };
  }

  /** Gives no more jobs. */
  stop(): void {
    this.#isStopped = true;
  }
}
