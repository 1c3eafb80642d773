import { isDeepStrictEqual } from 'node:util';
import { PyclinkError } from '../errors.ts';
import type { Environment } from './environment.ts';
import type { Interpreter } from './interpreter.ts';
import type { CompilerFacts, WorkerAnswer, WorkerJob } from './protocol.ts';
import { type StartedWorkers, startTwice } from './start-workers.ts';
import { type Worker, WorkerDied } from './worker.ts';

/** The result of a job: an answer, or the fact that its worker hung or died twice. */
export type PoolResult = (WorkerAnswer | { readonly lost: 'died' | 'hung'; readonly problem: string }) & {
  /** Why workers died while compiling it. */
  readonly losses: readonly string[];
};

/** A source that waits for its answer. */
interface Task {
  readonly request: WorkerJob;
  readonly limitMs: number;
  /** Why workers died while compiling it. */
  readonly losses: string[];
  isSent: boolean;
  readonly finish: (result: PoolResult) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * How many tasks a worker may have queued. A queue keeps the worker busy while Node.js handles its answers, and saves
 * wake-ups for small tasks. Queues get short at the end, so that all workers finish together.
 */
function queueLength(pending: number, workers: number): number {
  return Math.min(16, Math.max(1, Math.floor(pending / (2 * workers))));
}

/** The workers of one interpreter. Lost ones are replaced. All must be the same compiler. */
export class WorkerPool {
  readonly interpreter: Interpreter;
  readonly environment: Environment;
  /** The compiler, as the first worker described it. */
  readonly compiler: CompilerFacts;
  /** How many workers compile at a time. */
  maxWorkers = 1;
  readonly #pending: Task[] = [];
  #busyWorkers = 0;
  #failure: { readonly error: unknown } | undefined;
  readonly #running = new Set<Worker>();
  readonly #idle: Promise<Worker>[];
  readonly #starting = new Set<Promise<unknown>>();
  #isClosed = false;

  /** @param started workers that are running or starting */
  constructor(environment: Environment, { interpreter, compiler, workers }: StartedWorkers) {
    this.interpreter = interpreter;
    this.environment = environment;
    this.compiler = compiler;
    this.#idle = workers.map((worker) => this.#joined(worker));
  }

  /** Whether a worker could compile something now. */
  get isIdle(): boolean {
    return this.#busyWorkers < this.maxWorkers;
  }

  /**
   * Compiles a source. Sources are started in the order of the calls.
   * @param limitMs the time limit
   * @throws PyclinkError `worker-failed` if a worker cannot start, or is not the same compiler as the first
   */
  compile(request: WorkerJob, limitMs: number): Promise<PoolResult> {
    return new Promise((finish, fail) => {
      if (this.#failure !== undefined) return fail(this.#failure.error);
      this.#pending.push({ request, limitMs, losses: [], isSent: false, finish, fail });
      if (this.isIdle) void this.#work();
    });
  }

  /** Runs one worker until nothing is pending. */
  async #work(): Promise<void> {
    this.#busyWorkers += 1;
    /** The worker compiles the first one. */
    const queue: Task[] = [];
    const take = () => {
      const length = queueLength(this.#pending.length, this.maxWorkers);
      if (2 * queue.length <= length) queue.push(...this.#pending.splice(0, length - queue.length));
    };
    let worker: Worker | undefined;
    try {
      while (!this.#isClosed) {
        take();
        const [current] = queue;
        if (current === undefined) break;
        // Waits for a worker that starts for a task, to know whether it is the same compiler.
        if (worker === undefined) {
          worker = await this.#next();
          take();
        }
        const unsent = queue.filter(({ isSent }) => !isSent);
        if (unsent.length > 0) worker.send(unsent.map(({ request }) => request));
        for (const task of unsent) task.isSent = true;
        const result = await worker.receive(current.limitMs).catch(ifDied);
        if (!(result instanceof WorkerDied)) {
          queue.shift();
          current.finish({ ...result, losses: current.losses });
          continue;
        }
        this.#running.delete(worker);
        worker = undefined;
        for (const task of queue) task.isSent = false;
        current.losses.push(result.message);
        // The source may not be the cause (out of memory, a signal from outside): try once more.
        if (result.end !== 'hung' && current.losses.length === 1) continue;
        queue.shift();
        const lost = result.end === 'hung' ? 'hung' : 'died';
        current.finish({ lost, problem: result.message, losses: current.losses });
      }
      if (worker !== undefined) this.#idle.push(Promise.resolve(worker));
    } catch (error) {
      this.#failure ??= { error };
      for (const task of [...queue, ...this.#pending.splice(0)]) task.fail(error);
    }
    this.#busyWorkers -= 1;
  }

  /** Stops the workers and waits for their end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#starting);
    await Promise.all(Array.from(this.#running, (worker) => worker.close()));
  }

  /** An idle worker, or a new one. @throws PyclinkError */
  async #next(): Promise<Worker> {
    const idle = await this.#idle.shift()?.catch(ifDied);
    if (idle !== undefined && !(idle instanceof WorkerDied)) return idle;
    const { executable: path, root } = this.interpreter;
    const started = await this.#joined(startTwice(path, this.environment, root)).catch(ifDied);
    if (!(started instanceof WorkerDied)) return started;
    throw new PyclinkError('worker-failed', `cannot start another worker: ${started.message}`, {
      path,
      cause: started,
    });
  }

  /** Adds a starting worker to the pool. Rejects if it is not the same compiler as the first. */
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
        ? `a different ${now}, or its files, options or environment variables changed`
        : `${now} now, and was ${first} at first`;
    throw new PyclinkError('worker-failed', `the interpreter changed during the build: it is ${change}`, {
      path: interpreter.executable,
      hint: 'build again while nothing installs or changes the interpreter',
    });
  }
}

/** Returns the error if it says that a worker died. @throws any other error */
function ifDied(error: unknown): WorkerDied {
  if (error instanceof WorkerDied) return error;
  throw error;
}
