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

/** How many sources are looked up on a server at a time. */
const lookupsAtATime = 64;

/** How many sources each worker has on its way, so that it never waits for the next. */
const sourcesPerWorker = 48;

/** In a thread: the others should find some too. */
export const sourcesPerThreadWorker = 16;

/** After so long with sources that need no interpreter, answers and signals have their turn. */
const turnMs = 10;

/** How long a build that is done waits for a server to take what was compiled: a share of its time, or this. */
const waitShare = 0.05;
const minWaitMs = 1000;

/** How sources are handled. */
export interface SourceOptions extends WriteOptions {
  /** Keep pycs that are current. */
  readonly keepCurrent: boolean;
  readonly cache?: CacheSettings | undefined;
}

/** Told of each source whose pycs are written, or kept. */
type OnWritten = (job: NumberedJob, written: WrittenSource) => void;

/**
 * Does everything for the sources of one interpreter, many at a time.
 * @param next takes the next source
 * @param cache may have some of the sources, and gets the others
 * @param perWorker how many sources each worker has on its way
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
 * Does everything for one source. Pycs that were read or compiled share memory with the next ones: they are used before
 * the next `await`.
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
  if (cache !== undefined && found !== undefined && 'key' in found && found.shouldAskServer) {
    found = cache.accept(job, found, await cache.ask(job, found, () => pool.isIdle));
  }
  if (found !== undefined && 'pycs' in found) {
    const { pycs, digests, warnings, sha256 } = found;
    const compiled = { sha256, isUtf8: true };
    return onWritten(job, writePycs({ job, warnings, compiled }, { pycs, digests, notNormalized: [] }, options));
  }

  const lookup = found;
  await compile(pool, job, options, (outcome) => {
    const finished = finish(outcome.made, options);
    onWritten(job, writePycs(outcome, finished, options));
    cache?.store(lookup, outcome, finished.notNormalized.length === 0 ? finished : undefined);
  });
}

/** The cache for the sources of an interpreter, if there is one. @param counts what is added to */
export async function sourceCache(
  options: SourceOptions,
  compiler: CompilerDigest | undefined,
  counts: CacheCounts,
): Promise<SourceCache | undefined> {
  const { cache } = options;
  if (cache === undefined || compiler === undefined) return undefined;
  // Loaded only by builds that have a cache: few do.
  const { SourceCache } = await import('../cache/source-cache.ts');
  return new SourceCache(cache, compiler, options, counts);
}
