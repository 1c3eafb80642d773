import { isDeepStrictEqual } from 'node:util';
import { PyclinkError } from '../errors.ts';
import type { Environment } from './environment.ts';
import type { Interpreter } from './interpreter.ts';
import type { CompilerFacts, WorkerAnswer, WorkerJob } from './protocol.ts';
import { type StartedWorkers, startTwice } from './start-workers.ts';
import { type Worker, WorkerDied } from './worker.ts';

/** The result of a job: an answer; or its worker hung, or died twice. */
export type PoolResult = WorkerAnswer | { readonly lost: 'died' | 'hung'; readonly problem: string };

/** Where a pool takes its jobs from. */
export interface JobQueue<J> {
  /** Takes the next job; undefined if none is left. */
  next(): J | undefined;
  /** How many jobs are left, for everybody who takes from it. */
  left(): number;
  /** Resolves when there may be another job; undefined if there will be none. Not there: what is taken is all. */
  more?(): Promise<void> | undefined;
}

/** What a run asks about jobs, and tells about them. */
export interface PoolClient<J> {
  request(job: J): WorkerJob;
  /** How long a job may take. */
  limitMs(job: J): number;
  /** A job is done. Jobs finish in any order. */
  onResult(job: J, result: PoolResult): void;
  /** A worker ended during a job. */
  onLoss(job: J, problem: string): void;
}

/**
 * How many jobs a worker may have queued. A queue keeps it busy while Node handles its answers, and saves a wake-up for
 * each small job. At the end queues are short, so that all workers finish together.
 */
function queueLength(jobsLeft: number, slots: number): number {
  return Math.min(16, Math.max(1, Math.floor(jobsLeft / (2 * slots))));
}

/** The workers of one interpreter, one for each slot. Lost workers are replaced. All of them are the same compiler. */
export class WorkerPool {
  readonly interpreter: Interpreter;
  readonly environment: Environment;
  /** What its compiler consists of, as the first worker said. */
  readonly compiler: CompilerFacts;
  readonly #running = new Set<Worker>();
  readonly #idle: Promise<Worker>[];
  readonly #starting = new Set<Promise<unknown>>();
  #isClosed = false;

  /** @param started workers that run already, or are starting */
  constructor(environment: Environment, { interpreter, compiler, workers }: StartedWorkers) {
    this.interpreter = interpreter;
    this.environment = environment;
    this.compiler = compiler;
    this.#idle = workers.map((worker) => this.#joined(worker));
  }

  /**
   * Runs jobs in order, several at a time.
   * @param slots how many workers at most
   * @param allSlots of everybody who takes jobs from the queue
   * @throws PyclinkError `worker-failed` if a worker cannot be started, or is another compiler than the first
   */
  async run<J>(jobs: JobQueue<J>, slots: number, allSlots: number, client: PoolClient<J>): Promise<void> {
    const slot = async () => {
      let worker: Worker | undefined;
      /** The jobs of this worker. It works on the first. */
      const queue: { readonly job: J; isSent: boolean; attempt: number }[] = [];
      for (;;) {
        const length = queueLength(jobs.left(), allSlots);
        if (2 * queue.length <= length) {
          while (queue.length < length) {
            const job = jobs.next();
            if (job === undefined) break;
            queue.push({ job, isSent: false, attempt: 1 });
          }
        }
        const [current] = queue;
        if (this.#isClosed) break;
        if (current === undefined) {
          const more = jobs.more?.();
          if (more === undefined) break;
          await more;
          continue;
        }
        worker ??= await this.#next();
        const unsent = queue.filter(({ isSent }) => !isSent);
        if (unsent.length > 0) worker.send(unsent.map((queued) => client.request(queued.job)));
        for (const queued of unsent) queued.isSent = true;
        const { job } = current;
        try {
          const result = await worker.receive(client.limitMs(job));
          queue.shift();
          client.onResult(job, result);
        } catch (error) {
          if (!(error instanceof WorkerDied)) throw error;
          this.#running.delete(worker);
          worker = undefined;
          // The run has failed in another slot.
          if (this.#isClosed) return;
          for (const queued of queue) queued.isSent = false;
          client.onLoss(job, error.message);
          // The job may not be at fault (out of memory, a stray signal): try once more.
          current.attempt += 1;
          if (error.end !== 'hung' && current.attempt === 2) continue;
          queue.shift();
          client.onResult(job, { lost: error.end === 'hung' ? 'hung' : 'died', problem: error.message });
        }
      }
      if (worker !== undefined) this.#idle.push(Promise.resolve(worker));
    };
    await Promise.all(Array.from({ length: Math.min(slots, jobs.left()) }, slot));
  }

  /** Ends the workers and waits until they are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#starting);
    await Promise.all(Array.from(this.#running, (worker) => worker.close()));
  }

  /** A worker without jobs, or a new one. @throws PyclinkError */
  async #next(): Promise<Worker> {
    const isDead = (error: unknown) => {
      if (!(error instanceof WorkerDied)) throw error;
      return undefined;
    };
    const idle = await this.#idle.shift()?.catch(isDead);
    try {
      const { executable, root } = this.interpreter;
      return idle ?? (await this.#joined(startTwice(executable, this.environment, root)));
    } catch (error) {
      if (!(error instanceof WorkerDied)) throw error;
      throw new PyclinkError('worker-failed', `cannot start another worker: ${error.message}`, {
        path: this.interpreter.executable,
        cause: error,
      });
    }
  }

  /** A worker that is starting, and will be one of the pool. It rejects if it is another compiler than the first. */
  #joined(worker: Promise<Worker>): Promise<Worker> {
    const joined = worker.then((started) => {
      this.#running.add(started);
      this.#refuseOther(started);
      return started;
    });
    this.#starting.add(joined);
    const isOver = () => this.#starting.delete(joined);
    joined.then(isOver, isOver);
    return joined;
  }

  /** @throws PyclinkError `worker-failed` */
  #refuseOther({ interpreter, compiler }: Worker): void {
    if (isDeepStrictEqual([interpreter, compiler], [this.interpreter, this.compiler])) return;
    const [first, now] = [this.interpreter, interpreter].map(({ implementation, version }) =>
      implementation === 'cpython' ? `Python ${version}` : `${implementation} ${version}`,
    );
    const change =
      first === now
        ? `another ${now}, or its files, options or variables changed`
        : `${now}, and was ${first} at first`;
    throw new PyclinkError('worker-failed', `the interpreter was exchanged during the build: it is ${change}`, {
      path: interpreter.executable,
      hint: 'build again when nothing installs or changes the interpreter meanwhile',
    });
  }
}
