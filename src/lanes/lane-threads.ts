import { join } from 'node:path';
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { PyclinkError } from '../errors.ts';
import { isOneExecutable, ownText } from '../own-files.ts';
import { LaneDirector } from './lane-control.ts';
import type { LaneFailure, LaneOrder, LaneResult } from './lane-thread.ts';

/** The bundle, which is what a lane runs too. */
const program = join(import.meta.dirname, 'pyclink.cjs');

/** A program for threads. */
interface LaneThread {
  readonly program: string;
  readonly resourceLimits?: ResourceLimits;
}

/** What happens while lanes work. */
export interface ThreadsListener {
  /** So many sources are done. Called now and then. */
  readonly onProgress: (done: number) => void;
  /** Aborted when the process is about to exit. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs lanes in threads.
 * @param thread what a thread runs, and its limits
 * @returns their results, in the order of the lanes
 * @throws PyclinkError of the first lane that failed, when all have ended; `worker-failed` if one ran out of memory
 */
export async function runLaneThreads(
  orders: readonly Omit<LaneOrder, 'lane' | 'control'>[],
  { onProgress, signal }: ThreadsListener,
  thread: LaneThread = { program },
): Promise<readonly LaneResult[]> {
  const director = new LaneDirector(orders.length);
  const freeze = () => director.freeze();
  signal?.addEventListener('abort', freeze, { once: true });
  const progress = setInterval(() => onProgress(director.done), progressMs);
  try {
    const lanes = orders.map((order, lane) => runThread(thread, { ...order, lane, control: director.control }));
    for (const lane of lanes) lane.catch(() => director.finish());
    const ended = await Promise.allSettled(lanes);
    return ended.map((lane) => {
      if (lane.status === 'rejected') throw lane.reason;
      return lane.value;
    });
  } finally {
    clearInterval(progress);
    signal?.removeEventListener('abort', freeze);
  }
}

const progressMs = 100;

async function runThread({ program: file, resourceLimits }: LaneThread, order: LaneOrder): Promise<LaneResult> {
  const options = { workerData: order, ...(resourceLimits && { resourceLimits }) };
  const thread = isOneExecutable() ? new Worker(ownText(file), { ...options, eval: true }) : new Worker(file, options);
  const result = await new Promise<LaneResult | LaneFailure>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error(`lane ${order.lane} ended without a result`)));
  }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') throw error;
    throw new PyclinkError('worker-failed', 'a thread ran out of memory', {
      hint: 'try fewer jobs, or a larger --max-old-space-size in NODE_OPTIONS',
      cause: error,
    });
  });
  if (!('failure' in result)) return result;
  const { code, message, path, hint } = result.failure;
  throw new PyclinkError(code, message, { path, hint });
}
