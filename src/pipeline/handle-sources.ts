import { setImmediate } from 'node:timers/promises';
import type { CacheCounts } from '../cache/counts.ts';
import type { CompilerDigest } from '../cache/key.ts';
import type { CacheSettings } from '../cache/settings.ts';
import type { SourceCache } from '../cache/source-cache.ts';
import { compile } from '../compile/compile.ts';
import type { WorkerPool } from '../compile/worker-pool.ts';
import { currentPycs } from './current-pycs.ts';
import type { NumberedJob } from './job-queue.ts';
import { finish, keepPycs, type WriteOptions, type WrittenSource, writePycs } from './write-pycs.ts';

/** How many server lookups run at a time. */
const lookupsAtATime = 64;

/** How many sources are in progress for each worker, so that it never waits for the next one. */
const sourcesPerWorker = 48;

/** The same in a thread: smaller, to leave sources for the other threads. */
export const sourcesPerThreadWorker = 16;

/** Yields to answers and signals at this interval, while sources need no interpreter. */
const turnMs = 10;

/** How long a finished build waits until a server has received everything: this share of its time, or this time. */
const waitShare = 0.05;
const minWaitMs = 1000;

/** Options for handling sources. */
export interface SourceOptions extends WriteOptions {
  /** Keep pycs that are current. */
  readonly keepCurrent: boolean;
  readonly cache?: CacheSettings | undefined;
}

/** Called for each source whose pycs are written or kept. */
type OnWritten = (job: NumberedJob, written: WrittenSource) => void;

/**
 * Handles the sources of one interpreter, many at a time.
 * @param next takes the next source
 * @param cache for lookups, and for storing what was compiled
 * @param perWorker how many sources are in progress for each worker
 * @throws PyclinkError
 */
export async function handleSources(
  pool: WorkerPool,
  next: () => NumberedJob | undefined | Promise<NumberedJob | undefined>,
  options: SourceOptions,
  onWritten: OnWritten,
  cache?: SourceCache,
  perWorker = sourcesPerWorker,
): Promise<void> {
  const started = performance.now();
  let turn = started;
  let isOver = false;
  const handleInTurn = async () => {
    for (let job = await next(); job !== undefined && !isOver; job = await next()) {
      await handleSource(job, pool, options, onWritten, cache);
      if (performance.now() - turn < turnMs) continue;
      await setImmediate();
      turn = performance.now();
    }
  };
  try {
    const length = cache?.hasServer ? lookupsAtATime : perWorker * pool.maxWorkers;
    await Promise.all(Array.from({ length }, handleInTurn));
  } finally {
    isOver = true;
    await cache?.close(Math.max(minWaitMs, (performance.now() - started) * waitShare));
  }
}

/**
 * Handles one source. The pycs that are read or normalized share memory with those of the next source, so they have to be
 * used before the next `await`.
 * @throws PyclinkError
 */
async function handleSource(
  job: NumberedJob,
  pool: WorkerPool,
  options: SourceOptions,
  onWritten: OnWritten,
  cache: SourceCache | undefined,
): Promise<void> {
  const current = options.keepCurrent ? currentPycs(job, options) : undefined;
  if (current !== undefined) return onWritten(job, keepPycs(job, current, options));

  let found = cache?.lookUp(job);
  if (cache !== undefined && found !== undefined && 'key' in found && found.expected === undefined && cache.hasServer) {
    found = await cache.askServer(job, found, () => pool.isIdle);
  }
  if (found !== undefined && 'pycs' in found) {
    const { pycs, digests, warnings, sha256 } = found;
    const compiled = { sha256, isUtf8: true };
    return onWritten(job, writePycs({ job, warnings, compiled }, { pycs, digests, notNormalized: [] }, options));
  }

  const outcome = await compile(pool, job, options);
  const finished = finish(outcome.made, options);
  onWritten(job, writePycs(outcome, finished, options));
  cache?.store(found, outcome, finished.notNormalized.length === 0 ? finished : undefined);
}

/** The cache for the sources of an interpreter, if there is one. @param counts updated by each operation */
export async function sourceCache(
  options: SourceOptions,
  compiler: CompilerDigest | undefined,
  counts: CacheCounts,
): Promise<SourceCache | undefined> {
  const { cache } = options;
  if (cache === undefined || compiler === undefined) return undefined;
  // Loaded only when there is a cache, which few builds have.
  const { SourceCache } = await import('../cache/source-cache.ts');
  return new SourceCache(cache, compiler, options, counts);
}
