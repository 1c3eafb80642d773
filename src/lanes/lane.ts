import type { CacheCounts } from '../cache/counts.ts';
import type { Hit } from '../cache/found.ts';
import type { CompilerDigest } from '../cache/key.ts';
import type { CacheSettings } from '../cache/settings.ts';
import type { SourceCache } from '../cache/source-cache.ts';
import { type CompileOutcome, compile, type Slots } from '../compile/compile.ts';
import type { JobQueue, WorkerPool } from '../compile/worker-pool.ts';
import { currentPycs } from './current-pycs.ts';
import { DueJobs } from './due-jobs.ts';
import type { NumberedJob } from './shared-jobs.ts';
import { finish, keepPycs, type WriteOptions, type WrittenSource, writePycs } from './write-pycs.ts';

/** How long a build that is done waits for a server to take what was compiled: a share of its time, or this. */
const waitShare = 0.05;
const minWaitMs = 1000;

/** How a lane handles its sources. */
export interface LaneOptions extends WriteOptions {
  /** Keep pycs that are current. */
  readonly keepCurrent: boolean;
  readonly cache?: CacheSettings | undefined;
}

/** Where a lane reports to. */
export interface LaneListener {
  /** Calls `write`, which writes the pycs of a source and links them. */
  write(write: () => WrittenSource): WrittenSource;
  /** The pycs of a source are written, or kept because they were current. */
  onWritten(job: NumberedJob, written: WrittenSource, wasCurrent: boolean): void;
}

/**
 * A lane: does everything for the sources of a queue, from compiling to linking. Lanes may share a queue.
 * @param cache may have some of the sources, and gets the others
 * @throws PyclinkError
 */
export async function runLane(
  pool: WorkerPool,
  jobs: JobQueue<NumberedJob>,
  slots: Slots,
  options: LaneOptions,
  listener: LaneListener,
  cache?: SourceCache,
): Promise<void> {
  const hasShortcuts = options.keepCurrent || cache?.isWorthLooking === true;
  const due = hasShortcuts ? new DueJobs(jobs, slots.own) : undefined;
  const onOutcome = (outcome: CompileOutcome<NumberedJob>) => {
    const finished = finish(outcome.made, options);
    const written = listener.write(() => writePycs(outcome, finished, options));
    const isNormal = finished.notNormalized.length === 0;
    cache?.store(due?.takeLooked(outcome.job), outcome, isNormal ? finished : undefined);
    listener.onWritten(outcome.job, written, false);
  };
  const onHit = (job: NumberedJob, { pycs, digests, warnings, sha256 }: Hit) => {
    const compiled = { sha256, isUtf8: true };
    const finished = { pycs, digests, notNormalized: [] };
    const written = listener.write(() => writePycs({ job, warnings, compiled }, finished, options));
    listener.onWritten(job, written, false);
  };
  const keep = (job: NumberedJob) => {
    const current = currentPycs(job, options);
    if (current === undefined) return false;
    const written = listener.write(() => keepPycs(job, current, options));
    listener.onWritten(job, written, true);
    return true;
  };
  const started = performance.now();
  const compiling = compile(pool, due ?? jobs, slots, options, onOutcome).finally(() => due?.stop());
  try {
    await Promise.all([due?.lookUp({ keep: options.keepCurrent ? keep : undefined, cache, onHit }), compiling]);
  } finally {
    await cache?.close(Math.max(minWaitMs, (performance.now() - started) * waitShare));
  }
}

/** The cache of a lane, if it has one for an interpreter. @param counts what is added to */
export async function sourceCache(
  { cache, invalidationMode }: LaneOptions,
  compiler: CompilerDigest | undefined,
  counts: CacheCounts,
): Promise<SourceCache | undefined> {
  if (cache === undefined || compiler === undefined) return undefined;
  // Loaded only by builds that have a cache: few do.
  const { SourceCache } = await import('../cache/source-cache.ts');
  return new SourceCache(cache, compiler, invalidationMode, counts);
}
