import { addCounts, type CacheCounts, emptyCounts } from '../cache/counts.ts';
import type { CompilerDigest } from '../cache/key.ts';
import type { CompileJob } from '../compile/plan.ts';
import type { WorkerPool } from '../compile/worker-pool.ts';
import { exitSignal } from '../exit-signal.ts';
import type { CompiledRecord } from '../manifest/compiled-record.ts';
import { recordsFrom } from '../manifest/record-columns.ts';
import type { Skipped } from '../skipped.ts';
import { type LaneListener, type LaneOptions, runLane, sourceCache } from './lane.ts';
import { queueOf, shareJobs } from './shared-jobs.ts';
import { lanesFor } from './slots.ts';

/** The jobs of one interpreter, the largest first, and how many workers may run. */
export interface Work {
  readonly pool: WorkerPool;
  readonly jobs: readonly CompileJob[];
  readonly slots: number;
  /** Not there if the pycs are not for a cache. */
  readonly compiler?: CompilerDigest | undefined;
}

/** What was done for all jobs. */
export interface Done {
  /** How many sources had current pycs. */
  readonly current: number;
  readonly records: readonly CompiledRecord[];
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
  readonly cache: CacheCounts;
}

/** What happens meanwhile. */
export interface WorkListener {
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Does the work in as many lanes as it takes: a few interpreters are served by the main thread, more by threads of
 * their own. The result is the same for any number of lanes, but for the order.
 * @throws PyclinkError
 */
export function workInLanes(all: readonly Work[], options: LaneOptions, listener: WorkListener): Promise<Done> {
  const work = all.filter(({ jobs }) => jobs.length > 0);
  const slots = Math.max(0, ...work.map((one) => one.slots));
  const lanes = lanesFor(slots, totalOf(work), options.keepCurrent);
  return lanes === 0 ? onMainThread(work, options, listener) : inThreads(work, lanes, options, listener);
}

async function onMainThread(work: readonly Work[], options: LaneOptions, { onProgress }: WorkListener): Promise<Done> {
  const total = totalOf(work);
  const [records, skipped, warnings] = [[] as CompiledRecord[], [] as Skipped[], [] as string[]];
  const counts = emptyCounts();
  let [done, current] = [0, 0];
  for (const { pool, jobs, slots, compiler } of work) {
    const listener: LaneListener = {
      write: (write) => write(),
      onWritten: (_, written, wasCurrent) => {
        records.push(...written.records);
        skipped.push(...written.skipped);
        warnings.push(...written.warnings);
        if (wasCurrent) current += 1;
        onProgress(++done, total);
      },
    };
    const cache = await sourceCache(options, compiler, counts);
    pool.maxWorkers = slots;
    await runLane(pool, queueOf(jobs), options, listener, cache);
  }
  return { current, records, skipped, warnings, cache: counts };
}

async function inThreads(
  work: readonly Work[],
  lanes: number,
  options: LaneOptions,
  { onProgress }: WorkListener,
): Promise<Done> {
  // They have said which interpreters they are. Each lane has workers of its own.
  await Promise.all(work.map(({ pool }) => pool.close()));
  const shared = work.map(({ pool, jobs, slots, compiler }) => ({
    jobs: shareJobs(jobs),
    environment: pool.environment,
    facts: pool.compiler,
    compiler: compiler && { digest: compiler() },
    slots,
  }));
  const orders = Array.from({ length: lanes }, (_, lane) => ({
    options,
    work: shared.map(({ slots, ...one }) => ({ ...one, slots: shareOf(slots, lane, lanes) })),
  }));
  const total = totalOf(work);
  const { runLaneThreads } = await import('./lane-threads.ts');
  const results = await runLaneThreads(orders, { onProgress: (done) => onProgress(done, total), signal: exitSignal() });
  const counts = emptyCounts();
  for (const { cache } of results) addCounts(counts, cache);
  const payloads = work.map(({ jobs }) => jobs.map(({ source }) => source.payload));
  return {
    current: results.reduce((sum, lane) => sum + lane.current, 0),
    records: results.flatMap((lane) =>
      lane.records.flatMap((columns, i) => recordsFrom(columns, (number) => payloads[i]?.[number] as never)),
    ),
    skipped: results.flatMap((lane) => lane.skipped),
    warnings: results.flatMap((lane) => lane.warnings),
    cache: counts,
  };
}

/** Divides slots among lanes as evenly as possible. */
function shareOf(slots: number, lane: number, lanes: number): number {
  return Math.floor((slots + lane) / lanes);
}

function totalOf(work: readonly Work[]): number {
  return work.reduce((sum, { jobs }) => sum + jobs.length, 0);
}
