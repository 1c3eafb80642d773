import type { CompileJob } from '../compile/plan.ts';

/** A job with its number among the jobs of its interpreter. */
export interface NumberedJob extends CompileJob {
  readonly number: number;
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

  /**
   * Takes the next jobs of an interpreter; none if no jobs are left.
   * @param count by default fewer at the end, so that all threads finish together
   */
  take(interpreter: number, count?: number): NumberedJob[] {
    if (this.#isStopped) return [];
    const [jobs = [], first = 0] = [this.#jobs[interpreter], this.#taken[interpreter]];
    const size = count ?? Math.min(maxChunk, Math.ceil((jobs.length - first) / (4 * this.#threads)));
    const chunk = jobs.slice(first, first + size);
    this.#taken[interpreter] = first + chunk.length;
    return chunk.map((job, i) => ({ ...job, number: first + i }));
  }

  /** Makes the queue empty. */
  stop(): void {
    this.#isStopped = true;
  }
}
