import { join } from 'node:path';
import { type ResourceLimits, Worker } from 'node:worker_threads';
import type { CacheCounts } from '../cache/counts.ts';
import { PyclinkError } from '../errors.ts';
import { beforeExit } from '../exit-signal.ts';
import { isOneExecutable, ownText } from '../own-files.ts';
import type { JobQueue } from './job-queue.ts';
import type { ThreadMessage, ThreadOrder, WrittenJob } from './thread.ts';

/** The bundle, which threads run as well. */
const program = join(import.meta.dirname, 'pyclink.cjs');

/** The program of a thread. */
interface ThreadProgram {
  readonly program: string;
  readonly resourceLimits?: ResourceLimits;
}

/**
 * Runs threads that take jobs from a queue. If one fails, the others stop taking jobs.
 * @param onWritten called with results from time to time
 * @param thread the program of a thread and its limits
 * @returns a promise for each thread's cache counts. It rejects with a PyclinkError if the thread failed or ran out of
 *   memory
 */
export function runThreads(
  orders: readonly ThreadOrder[],
  queue: JobQueue,
  onWritten: (written: readonly WrittenJob[]) => void,
  thread: ThreadProgram = { program },
): Promise<CacheCounts>[] {
  let isStopping = false;
  const workers = orders.map((order) => startThread(thread, order));
  const remove = beforeExit(() => {
    isStopping = true;
    return Promise.all(workers.map(stopped));
  });
  const all = workers.map(
    (worker, i) =>
      new Promise<CacheCounts>((resolve, reject) => {
        worker.on('message', (message: ThreadMessage) => {
          if ('failure' in message) {
            const { code, message: text, path, hint } = message.failure;
            reject(new PyclinkError(code, text, { path, hint }));
            return;
          }
          onWritten(message.written);
          if ('cache' in message) resolve(message.cache);
          else worker.postMessage(queue.take(message.asksFor));
        });
        worker.once('error', (error) => reject(explained(error)));
        worker.once('exit', () => {
          if (!isStopping) reject(new Error(`thread ${i} ended without a result`));
        });
      }),
  );
  for (const one of all) one.catch(() => queue.stop());
  void Promise.allSettled(all).then(remove);
  return all;
}

/** V8 would let the young generation of each thread grow to 48 MiB, before it looks at what is still in use. */
const maxYoungGenerationSizeMb = 8;

function startThread({ program: file, resourceLimits }: ThreadProgram, workerData: ThreadOrder): Worker {
  const options = { workerData, resourceLimits: { maxYoungGenerationSizeMb, ...resourceLimits } };
  return isOneExecutable() ? new Worker(ownText(file), { ...options, eval: true }) : new Worker(file, options);
}

/** Stops a thread between two sources. */
function stopped(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    worker.postMessage('stop');
    // It may have ended already.
    if (worker.threadId === -1) resolve();
  });
}

function explained(error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') return error;
  return new PyclinkError('worker-failed', 'a thread ran out of memory', {
    hint: 'try fewer jobs, or a larger --max-old-space-size in NODE_OPTIONS',
    cause: error,
  });
}
