import { setImmediate } from 'node:timers/promises';
import type { CacheCounts } from '../cache/counts.ts';
import type { CompilerDigest } from '../cache/key.ts';
import type { CacheSettings } from '../cache/settings.ts';
import type { SourceCache } from '../cache/source-cache.ts';
import { compile } from '../compile/compile.ts';
import type { WorkerPool } from '../compile/worker-pool.ts';
import { currentPycs } from './current-pycs.ts';
import type { NumberedJob } from './shared-jobs.ts';
import { finish, keepPycs, type WriteOptions, type WrittenSource, writePycs } from './write-pycs.ts';

/** How many sources are on their way at a time: looked up on a server, or waiting for an interpreter. */
const sourcesAtATime = 64;

/** After so long with sources that need no interpreter, answers and signals have their turn. */
const turnMs = 10;

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
 * Does everything for the sources of one interpreter, many at a time.
 * @param next takes the next source
 * @param cache may have some of the sources, and gets the others
 * @throws PyclinkError
 */
export async function runLane(
  pool: WorkerPool,
  next: () => NumberedJob | undefined,
  options: LaneOptions,
  listener: LaneListener,
  cache?: SourceCache,
): Promise<void> {
  const started = performance.now();
  let turn = started;
  let isOver = false;
  const handleInTurn = async () => {
    for (let job = next(); job !== undefined && !isOver; job = next()) {
      await handleSource(job, pool, options, listener, cache);
      if (performance.now() - turn < turnMs) continue;
      await setImmediate();
      turn = performance.now();
    }
  };
  try {
    await Promise.all(Array.from({ length: sourcesAtATime }, handleInTurn));
  } finally {
    isOver = true;
    await cache?.close(Math.max(minWaitMs, (performance.now() - started) * waitShare));
  }
}

/** Does everything for a source. What is read or compiled is valid until something is awaited. @throws PyclinkError */
async function handleSource(
  job: NumberedJob,
  pool: WorkerPool,
  options: LaneOptions,
  { write, onWritten }: LaneListener,
  cache: SourceCache | undefined,
): Promise<void> {
  const current = options.keepCurrent ? currentPycs(job, options) : undefined;
  if (current !== undefined) {
    const written = write(() => keepPycs(job, current, options));
    return onWritten(job, written, true);
  }

  let found = cache?.lookUp(job);
  if (cache !== undefined && found !== undefined && 'key' in found && found.shouldAskServer) {
    found = cache.accept(job, found, await cache.ask(job, found, () => pool.isIdle));
  }
  if (found !== undefined && 'pycs' in found) {
    const { pycs, digests, warnings, sha256 } = found;
    const compiled = { sha256, isUtf8: true };
    const written = write(() => writePycs({ job, warnings, compiled }, { pycs, digests, notNormalized: [] }, options));
    return onWritten(job, written, false);
  }

  const lookup = found;
  await compile(pool, job, options, (outcome) => {
    const finished = finish(outcome.made, options);
    const written = write(() => writePycs(outcome, finished, options));
    cache?.store(lookup, outcome, finished.notNormalized.length === 0 ? finished : undefined);
    onWritten(job, written, false);
  });
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
