import { addCounts, type CacheCounts, emptyCounts } from '../cache/counts.ts';
import type { CompilerDigest } from '../cache/key.ts';
import type { CompileJob } from '../compile/plan.ts';
import type { WorkerPool } from '../compile/worker-pool.ts';
import { type CompiledRecord, recordFromThread } from '../manifest/compiled-record.ts';
import type { Skipped } from '../skipped.ts';
import type { BuildContext } from './context.ts';
import { handleSources, type SourceOptions, sourceCache } from './handle-sources.ts';
import { JobQueue } from './job-queue.ts';
import type { WrittenJob } from './thread.ts';
import { threadsFor } from './worker-counts.ts';
import type { WrittenSource } from './write-pycs.ts';

/** The jobs of one interpreter, the largest first, and the number of workers. */
export interface Work {
  readonly pool: WorkerPool;
  readonly jobs: readonly CompileJob[];
  readonly maxWorkers: number;
  /** Undefined if the pycs are not cached. */
  readonly compiler?: CompilerDigest | undefined;
}

/** The results of all jobs. */
export interface WorkResult {
  /** The number of sources with current pycs. */
  readonly current: number;
  /** The number of pycs that were already in place. */
  readonly unchanged: number;
  readonly records: readonly CompiledRecord[];
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
  readonly cache: CacheCounts;
}

/**
 * Handles all jobs: in the main thread for a few interpreters, in threads for more. Apart from the order, the result
 * does not depend on the number of threads.
 * @throws PyclinkError
 */
export async function doWork(
  all: readonly Work[],
  options: SourceOptions,
  { onProgress }: Pick<BuildContext, 'onProgress'>,
): Promise<WorkResult> {
  const work = all.filter(({ jobs }) => jobs.length > 0);
  const total = work.reduce((sum, { jobs }) => sum + jobs.length, 0);
  const workers = Math.max(0, ...work.map(({ maxWorkers }) => maxWorkers));
  const threads = threadsFor(workers, total, options.keepCurrent);
  const queue = new JobQueue(
    work.map(({ jobs }) => jobs),
    threads,
  );
  const [records, skipped, warnings] = [[] as CompiledRecord[], [] as Skipped[], [] as string[]];
  const counts = emptyCounts();
  let [done, current, unchanged] = [0, 0, 0];
  const add = (written: WrittenSource) => {
    records.push(...written.records);
    skipped.push(...written.skipped);
    warnings.push(...written.warnings);
    if (written.wasCurrent) current += 1;
    unchanged += written.unchanged;
    onProgress(++done, total);
  };
  const addAll = (written: readonly WrittenJob[]) => {
    for (const { interpreter, number, ...one } of written) {
      const job = work[interpreter]?.jobs[number];
      if (job !== undefined)
        add({ ...one, records: one.records.map((record) => recordFromThread(record, job.source.payload)) });
    }
  };
  if (threads === 0) await onMainThread(work, options, queue, add, counts);
  else {
    // These workers have identified their interpreters. Each thread starts its own workers.
    const closing = Promise.all(work.map(({ pool }) => pool.close()));
    const all = await startThreads(work, threads, options, queue, addAll);
    const ended = await Promise.allSettled(all);
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
    for (const one of all) addCounts(counts, await one);
    await closing;
  }
  return { current, unchanged, records, skipped, warnings, cache: counts };
}

async function onMainThread(
  work: readonly Work[],
  options: SourceOptions,
  queue: JobQueue,
  onWritten: (written: WrittenSource) => void,
  counts: CacheCounts,
): Promise<void> {
  for (const [number, { pool, maxWorkers, compiler }] of work.entries()) {
    pool.maxWorkers = maxWorkers;
    const cache = await sourceCache(options, compiler, counts);
    await handleSources(
      pool,
      () => queue.take(number, 1)[0],
      options,
      (_, written) => onWritten(written),
      cache,
    );
  }
}

/** Starts threads and divides the workers among them. */
async function startThreads(
  work: readonly Work[],
  threads: number,
  options: SourceOptions,
  queue: JobQueue,
  onWritten: (written: readonly WrittenJob[]) => void,
): Promise<Promise<CacheCounts>[]> {
  const interpreters = work.map(({ pool: { interpreter, environment, compiler: facts }, maxWorkers, compiler }) => ({
    interpreter,
    environment,
    facts,
    compiler: compiler && { digest: compiler() },
    maxWorkers,
  }));
  const orders = Array.from({ length: threads }, (_, thread) => ({
    options,
    interpreters: interpreters.map(({ maxWorkers, ...one }) => ({
      ...one,
      maxWorkers: Math.floor((maxWorkers + thread) / threads),
    })),
  }));
  const { runThreads } = await import('./threads.ts');
  return runThreads(orders, queue, onWritten);
}
