import type { ExpectedInterpreter } from '../buildroot/python-directory.ts';
import { PyclinkError } from '../errors.ts';
import type { Environment } from './environment.ts';
import { type Interpreter, mismatchReason } from './interpreter.ts';
import type { WorkerAnswer, WorkerJob } from './protocol.ts';
import { startWorker, type Worker, WorkerDied } from './worker.ts';

/** The result of a job: an answer; or its worker hung, or died twice. */
export type PoolResult = WorkerAnswer | { readonly lost: 'died' | 'hung'; readonly problem: string };

/** Where a pool takes its jobs from. */
export interface JobQueue<J> {
  /** Takes the next job; undefined if none is left. */
  next(): J | undefined;
  /** How many jobs are left, for everybody who takes from it. */
  left(): number;
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
 * Starts the first candidate that works and is the expected interpreter.
 * @returns the worker, or why each candidate was refused
 */
export async function startFirst(
  candidates: readonly string[],
  expected: ExpectedInterpreter,
  environment: Environment,
): Promise<Worker | { readonly refused: readonly string[] }> {
  const refused: string[] = [];
  for (const executable of candidates) {
    try {
      const worker = await startTwice(executable, environment);
      const mismatch = mismatchReason(worker.interpreter, expected);
      if (mismatch === undefined) return worker;
      refused.push(`${executable} ${mismatch}`);
      await worker.close();
    } catch (error) {
      if (!(error instanceof WorkerDied)) throw error;
      refused.push(`${executable} does not start (${error.message})`);
    }
  }
  return { refused };
}

/** Starts a worker, a second time if it is killed while it starts. @throws WorkerDied */
async function startTwice(executable: string, environment: Environment): Promise<Worker> {
  try {
    return await startWorker(executable, environment);
  } catch (error) {
    if (!(error instanceof WorkerDied) || error.end !== 'killed') throw error;
    return startWorker(executable, environment);
  }
}

/**
 * How many jobs a worker may have queued. A queue keeps it busy while Node handles its answers, and saves a wake-up for
 * each small job. At the end queues are short, so that all workers finish together.
 */
function queueLength(jobsLeft: number, slots: number): number {
  return Math.min(16, Math.max(1, Math.floor(jobsLeft / (2 * slots))));
}

/** The workers of one interpreter, one for each slot. Lost workers are replaced. */
export class WorkerPool {
  readonly interpreter: Interpreter;
  readonly environment: Environment;
  readonly #running: Set<Worker>;
  readonly #idle: Worker[];
  readonly #starting = new Set<Promise<Worker>>();
  #isClosed = false;

  /** @param workers that run already */
  constructor(interpreter: Interpreter, environment: Environment, workers: readonly Worker[] = []) {
    this.interpreter = interpreter;
    this.environment = environment;
    this.#running = new Set(workers);
    this.#idle = [...workers];
  }

  /**
   * Runs jobs in order, several at a time.
   * @param slots how many workers at most
   * @param allSlots of everybody who takes jobs from the queue
   * @throws PyclinkError `worker-failed` if a worker cannot be started
   */
  async run<J>(jobs: JobQueue<J>, slots: number, allSlots: number, client: PoolClient<J>): Promise<void> {
    const slot = async () => {
      let worker = this.#idle.pop();
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
        if (current === undefined || this.#isClosed) break;
        worker ??= await this.#replacement();
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
      if (worker !== undefined) this.#idle.push(worker);
    };
    await Promise.all(Array.from({ length: Math.min(slots, jobs.left()) }, slot));
  }

  /** Ends the workers and waits until they are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#starting);
    await Promise.all(Array.from(this.#running, (worker) => worker.close()));
  }

  async #replacement(): Promise<Worker> {
    const starting = startTwice(this.interpreter.executable, this.environment);
    this.#starting.add(starting);
    try {
      const worker = await starting;
      this.#running.add(worker);
      return worker;
    } catch (error) {
      if (!(error instanceof WorkerDied)) throw error;
      throw new PyclinkError('worker-failed', `cannot start another worker: ${error.message}`, {
        path: this.interpreter.executable,
        cause: error,
      });
    } finally {
      this.#starting.delete(starting);
    }
  }
}
