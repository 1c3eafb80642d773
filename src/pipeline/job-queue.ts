import type { CompileJob } from '../compile/plan.ts';

/** A job with its number among the jobs of its interpreter. */
export interface NumberedJob extends CompileJob {
  readonly number: number;
}

/** Consecutive jobs. Plain data. */
export interface JobChunk {
  /** The number of the first job. */
  readonly first: number;
  /** Empty if no jobs are left. */
  readonly jobs: readonly CompileJob[];
}

/** Larger chunks bring no benefit. */
const maxChunk = 32;

/** The jobs of each interpreter, shared by all threads. */
export class JobQueue {
  readonly #jobs: readonly (readonly CompileJob[])[];
  readonly #taken: number[];
  readonly #threads: number;
  #isStopped = false;

  /** @param threads the number of threads that take chunks */
  constructor(jobs: readonly (readonly CompileJob[])[], threads: number) {
    this.#jobs = jobs;
    this.#taken = jobs.map(() => 0);
    this.#threads = threads;
  }

  /** Takes a chunk of an interpreter's jobs. Chunks get smaller at the end, so that all threads finish together. */
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

  /** Makes the queue empty. */
  stop(): void {
    this.#isStopped = true;
  }
}
