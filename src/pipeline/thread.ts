import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type CacheCounts, emptyCounts } from '../cache/counts.ts';
import type { Environment } from '../compile/environment.ts';
import type { Interpreter } from '../compile/interpreter.ts';
import type { CompilerFacts } from '../compile/protocol.ts';
import { WorkerPool } from '../compile/worker-pool.ts';
import { type ErrorCode, PyclinkError } from '../errors.ts';
import { handleSources, type SourceOptions, sourceCache, sourcesPerThreadWorker } from './handle-sources.ts';
import type { NumberedJob } from './job-queue.ts';
import type { WrittenSource } from './write-pycs.ts';

/** The input of a thread at start. Plain data. */
export interface ThreadOrder {
  readonly interpreters: readonly {
    readonly interpreter: Interpreter;
    readonly environment: Environment;
    /** What the first worker reported. */
    readonly facts: CompilerFacts;
    /** The result of CompilerDigest; undefined if the pycs cannot be cached. */
    readonly compiler: { readonly digest: string | undefined } | undefined;
    /** How many workers the thread may run. */
    readonly maxWorkers: number;
  }[];
  readonly options: SourceOptions;
}

/** The result for one source of an interpreter. */
export interface WrittenJob extends WrittenSource {
  readonly interpreter: number;
  /** The number of the job. */
  readonly number: number;
}

/**
 * A message from a thread. The main thread answers each request with a list of jobs, which is empty once all are given
 * away, and sends `stop` before the process ends.
 */
export type ThreadMessage =
  /** The results since the last message, and the interpreter for which it requests jobs. */
  | { readonly written: readonly WrittenJob[]; readonly asksFor: number }
  /** The thread has finished. */
  | { readonly written: readonly WrittenJob[]; readonly cache: CacheCounts }
  /** The thread failed with a PyclinkError. */
  | {
      readonly failure: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly path?: string | undefined;
        readonly hint?: string | undefined;
      };
    };

/**
 * Runs a thread. Errors other than PyclinkError end it.
 * @param exit ends this thread: called between two sources when the process is about to end
 */
export async function runThread(exit: () => void): Promise<void> {
  const port = parentPort as MessagePort;
  const say = (message: ThreadMessage) => port.postMessage(message);
  let give: (jobs: readonly NumberedJob[]) => void = () => undefined;
  port.on('message', (message: readonly NumberedJob[] | 'stop') => {
    if (message === 'stop') exit();
    else give(message);
  });
  const { interpreters, options } = workerData as ThreadOrder;
  const counts = emptyCounts();
  const written: WrittenJob[] = [];
  try {
    for (const [number, { interpreter, environment, facts, compiler, maxWorkers }] of interpreters.entries()) {
      if (maxWorkers === 0) continue;
      const pool = new WorkerPool(environment, { interpreter, compiler: facts, workers: [] });
      pool.maxWorkers = maxWorkers;
      const next = jobsFrom(() => {
        say({ written: written.splice(0), asksFor: number });
        return new Promise((resolve) => {
          give = resolve;
        });
      });
      const cache = await sourceCache(options, compiler && (() => compiler.digest), counts);
      try {
        const onWritten = (job: NumberedJob, done: WrittenSource) => {
          written.push({ interpreter: number, number: job.number, ...done });
        };
        await handleSources(pool, next, options, onWritten, cache, sourcesPerThreadWorker);
      } finally {
        await pool.close();
      }
    }
    say({ written, cache: counts });
  } catch (error) {
    if (!(error instanceof PyclinkError)) throw error;
    const { code, message, path, hint } = error;
    say({ failure: { code, message, path, hint } });
  }
  port.close();
}

/** Returns a function that gives jobs one by one. @param ask requests the next jobs: none at the end */
function jobsFrom(ask: () => Promise<readonly NumberedJob[]>): () => Promise<NumberedJob | undefined> {
  const jobs: NumberedJob[] = [];
  let asking: Promise<void> | undefined;
  let isOver = false;
  const refill = async () => {
    const more = await ask();
    isOver = more.length === 0;
    jobs.push(...more);
    asking = undefined;
  };
  return async () => {
    while (jobs.length === 0 && !isOver) {
      asking ??= refill();
      await asking;
    }
    return jobs.shift();
  };
}
