import { setImmediate } from 'node:timers/promises';
import type { Hit, Looked, SourceCache } from '../cache/source-cache.ts';
import type { JobQueue } from '../compile/worker-pool.ts';
import type { NumberedJob } from './shared-jobs.ts';

/** How long the thread may be busy with the cache before other work has its turn. */
const turnMs = 10;

/** How many jobs may wait for a worker, to save memory. */
const maxWaiting = 200;

/** The jobs of a queue that the cache does not have. Workers wait for them while the cache is asked. */
export class CachedJobs implements JobQueue<NumberedJob> {
  readonly #jobs: JobQueue<NumberedJob>;
  readonly #missing: NumberedJob[] = [];
  readonly #looked = new Map<NumberedJob, Looked>();
  readonly #added = new Signal();
  readonly #taken = new Signal();
  #isOver = false;

  /** @param jobs all of them */
  constructor(jobs: JobQueue<NumberedJob>) {
    this.#jobs = jobs;
  }

  /** Asks the cache for each job. @param onHit called for those that it has */
  async lookUp(cache: SourceCache, onHit: (job: NumberedJob, hit: Hit) => void): Promise<void> {
    let turn = performance.now();
    try {
      while (!this.#isOver) {
        const job = this.#jobs.next();
        if (job === undefined) return;
        const found = cache.lookUp(job);
        if (found !== undefined && 'made' in found) onHit(job, found);
        else this.#add(job, found);
        if (this.#missing.length >= maxWaiting) await this.#taken.promise;
        if (performance.now() - turn > turnMs) {
          await setImmediate();
          turn = performance.now();
        }
      }
    } finally {
      this.stop();
    }
  }

  /** Asks for no more jobs. */
  stop(): void {
    this.#isOver = true;
    this.#added.give();
    this.#taken.give();
  }

  /** What the cache found out about a job, once; undefined if it is not for the cache. */
  takeLooked(job: NumberedJob): Looked | undefined {
    const looked = this.#looked.get(job);
    this.#looked.delete(job);
    return looked;
  }

  next(): NumberedJob | undefined {
    const job = this.#missing.shift();
    this.#taken.give();
    return job;
  }

  left(): number {
    return this.#missing.length + this.#jobs.left();
  }

  more(): Promise<void> | undefined {
    if (this.#missing.length > 0) return Promise.resolve();
    return this.#isOver ? undefined : this.#added.promise;
  }

  #add(job: NumberedJob, looked: Looked | undefined): void {
    if (looked !== undefined) this.#looked.set(job, looked);
    this.#missing.push(job);
    this.#added.give();
  }
}

/** A promise that is resolved again and again. */
class Signal {
  promise: Promise<void>;
  #resolve: () => void = () => undefined;

  constructor() {
    this.promise = this.#next();
  }

  /** Wakes all that wait. */
  give(): void {
    this.#resolve();
    this.promise = this.#next();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}
