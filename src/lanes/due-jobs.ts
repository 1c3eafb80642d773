import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Hit, Looked } from '../cache/found.ts';
import { maxRequests } from '../cache/remote-store.ts';
import type { SourceCache } from '../cache/source-cache.ts';
import type { JobQueue } from '../compile/worker-pool.ts';
import { Pace } from './pace.ts';
import type { NumberedJob } from './shared-jobs.ts';
import { Signal } from './signal.ts';

/** After so long with the cache and with pycs to keep, workers' answers and signals have their turn. */
const turnMs = 10;

/** How many jobs may wait for a worker, to save memory. */
const maxWaiting = 200;

/** No worker compiles more sources in a second. */
const workerPace = 400;

/** How many jobs for each worker keep it from waiting for a server. */
const aheadOfWorker = 16;

/** No server counts as slow until so long after the first request: it takes a while to connect. */
const graceMs = 15;

/** How often it is looked how fast a server is that does not answer. */
const lookMs = 5;

/** Is told of a job that the cache has. */
type OnHit = (job: NumberedJob, hit: Hit) => void;

/** What spares a job the compiler. */
export interface Shortcuts {
  /** Keeps the pycs that are there, if they are current, and says whether it did. */
  readonly keep?: ((job: NumberedJob) => boolean) | undefined;
  readonly cache?: SourceCache | undefined;
  readonly onHit: OnHit;
}

/**
 * The jobs of a queue that are left to compile: their pycs are not current, and the cache does not have them. Workers
 * wait for them while that is looked up. They do not wait for a server that answers more slowly than they compile: they
 * get what it has no room for yet, and in the end what it has not answered.
 */
export class DueJobs implements JobQueue<NumberedJob> {
  readonly #jobs: JobQueue<NumberedJob>;
  readonly #workers: number;
  readonly #missing: NumberedJob[] = [];
  readonly #looked = new Map<NumberedJob, Looked>();
  /** What the server was asked for. */
  readonly #asked = new Map<NumberedJob, Looked>();
  /** How many requests are on their way, also for jobs that a worker has meanwhile. */
  #requests = 0;
  #answers: Pace | undefined;
  readonly #added = new Signal();
  readonly #changed = new Signal();
  #idle = 0;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  /**
   * @param jobs all of them
   * @param workers how many compile
   */
  constructor(jobs: JobQueue<NumberedJob>, workers: number) {
    this.#jobs = jobs;
    this.#workers = workers;
  }

  /** Takes the shortcuts for each job that has one. */
  async lookUp({ keep, cache, onHit }: Shortcuts): Promise<void> {
    let turn = performance.now();
    try {
      while (!this.#isOver) {
        const job = this.#jobs.next();
        if (job === undefined) break;
        if (keep?.(job) !== true) await this.#askCache(cache, job, onHit);
        if (this.#missing.length >= maxWaiting) await this.#changed.promise;
        if (performance.now() - turn > turnMs) {
          await setImmediate();
          turn = performance.now();
        }
      }
      await this.#answered();
    } finally {
      this.stop();
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Asks for no more jobs. */
  stop(): void {
    this.#isOver = true;
    this.#added.give();
    this.#changed.give();
  }

  /** What was looked for in the cache, if a job was looked up. It is given once, and then forgotten. */
  takeLooked(job: NumberedJob): Looked | undefined {
    const looked = this.#looked.get(job);
    this.#looked.delete(job);
    return looked;
  }

  next(): NumberedJob | undefined {
    const job = this.#missing.shift();
    this.#changed.give();
    return job;
  }

  left(): number {
    return this.#missing.length + this.#asked.size + this.#jobs.left();
  }

  more(): Promise<void> | undefined {
    if (this.#missing.length > 0) return Promise.resolve();
    if (this.#isOver) return undefined;
    this.#idle += 1;
    this.#changed.give();
    return this.#added.promise.then(() => {
      this.#idle -= 1;
    });
  }

  #add(job: NumberedJob, looked: Looked | undefined): void {
    if (looked !== undefined) this.#looked.set(job, looked);
    this.#missing.push(job);
    this.#added.give();
  }

  /** Takes what the cache has; what it does not have is added. */
  async #askCache(cache: SourceCache | undefined, job: NumberedJob, onHit: OnHit): Promise<void> {
    const found = cache?.lookUp(job);
    if (found !== undefined && 'pycs' in found) onHit(job, found);
    else if (cache === undefined || found === undefined || !found.shouldAskServer) this.#add(job, found);
    else await this.#askServer(cache, job, found, onHit);
  }

  /**
   * Asks the server for the entry of a job. If there are too many requests without an answer, it waits; if workers run out
   * of jobs before that is over, they get this one.
   */
  async #askServer(cache: SourceCache, job: NumberedJob, looked: Looked, onHit: OnHit): Promise<void> {
    const hasRoom = () => this.#requests < maxRequests;
    const isWanted = () => this.#missing.length < aheadOfWorker * this.#workers && this.#isServerSlow();
    await this.#until(() => hasRoom() || !cache.hasServer || isWanted());
    if (!hasRoom() || !cache.hasServer) return this.#add(job, looked);
    this.#answers ??= new Pace();
    this.#asked.set(job, looked);
    this.#requests += 1;
    this.#receive(cache, job, looked, onHit).catch((error) => {
      this.#failure ??= { error };
      this.stop();
    });
  }

  /** Takes what the server has; what it does not have is added. */
  async #receive(cache: SourceCache, job: NumberedJob, looked: Looked, onHit: OnHit): Promise<void> {
    const answer = await cache.ask(job, looked);
    this.#requests -= 1;
    this.#answers?.tick();
    // Otherwise a worker has it.
    if (this.#asked.delete(job)) {
      const found = cache.accept(job, looked, answer);
      if ('pycs' in found) onHit(job, found);
      else this.#add(job, found);
    }
    this.#changed.give();
  }

  /** Waits for the last answers. Workers without work get what a slow server was asked for. */
  async #answered(): Promise<void> {
    const isWanted = () => this.#idle > this.#missing.length && this.#isServerSlow();
    while (!this.#isOver && this.#asked.size > 0) {
      await this.#until(() => this.#asked.size === 0 || isWanted());
      const [longest] = this.#asked;
      if (longest === undefined || this.#isOver) return;
      this.#asked.delete(longest[0]);
      this.#add(...longest);
    }
  }

  async #until(isReached: () => boolean): Promise<void> {
    while (!this.#isOver && !isReached()) await Promise.race([this.#changed.promise, sleep(lookMs)]);
  }

  #isServerSlow(): boolean {
    if (this.#answers === undefined) return false;
    const { elapsedMs, perSecond } = this.#answers;
    return elapsedMs > graceMs && perSecond < workerPace * this.#workers;
  }
}
