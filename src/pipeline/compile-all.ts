import type { Buildroot } from '../buildroot/path.ts';
import type { Source } from '../buildroot/source.ts';
import { addCounts, type CacheCounts, emptyCounts } from '../cache/counts.ts';
import type { CacheSettings } from '../cache/settings.ts';
import type { Interpreter } from '../compile/interpreter.ts';
import type { Pools } from '../compile/open-pools.ts';
import { type CompileJob, planCompile, pycsOf } from '../compile/plan.ts';
import { lstatIfAny } from '../files/stat.ts';
import { inTurns } from '../turns.ts';
import type { BuildContext } from './context.ts';
import { currentPycs } from './current-pycs.ts';
import { compilerForCache } from './open-cache.ts';
import type { BuildOptions } from './options.ts';
import type { BuildReport } from './report.ts';
import { doWork, type Work, type WorkResult } from './work.ts';
import { workersFor } from './worker-counts.ts';

/** The options, with resolved directories. */
export type Settings = Omit<BuildOptions, 'buildroot' | 'strip'> & {
  readonly buildroot: Buildroot;
  readonly strip: string;
  /** The user gave no PATHs: the whole running system is compiled. */
  readonly isWholeSystem: boolean;
  /** Why interpreters were not asked for their directories. */
  readonly passedOver: readonly string[];
};

/**
 * Compiles the sources that are not current, keeps the others, and collects the outcomes. Frees the jobs before the
 * manifest is made, to save memory.
 */
export async function compileAll(
  sources: readonly Source[],
  pools: Pools,
  options: Settings,
  cache: CacheSettings | undefined,
  context: BuildContext,
): Promise<WorkResult & { readonly jobs: number; readonly outdated?: Pick<BuildReport, 'dueSources' | 'pycs'> }> {
  const { strip, prepend } = options;
  const emptyByHash = options.mtime.policy === 'set';
  const planned = planCompile(sources, interpretersOf(pools), options.levels, { strip, prepend }, options.layout);
  const isThere = (job: CompileJob) => pycsOf(job).every(({ path }) => lstatIfAny(path)?.kind === 'file');
  const jobs = options.addsNothing === true ? planned.filter(isThere) : planned;
  if (options.dryRun) {
    const outdated: CompileJob[] = [];
    for await (const job of inTurns(jobs)) {
      if (!options.keepCurrent || currentPycs(job, { ...options, emptyByHash }) === undefined) outdated.push(job);
    }
    const dueSources = new Set(outdated.map(({ source }) => source)).size;
    const nothing = { records: [], skipped: [], warnings: [], cache: emptyCounts() };
    return {
      ...nothing,
      jobs: jobs.length,
      current: jobs.length - outdated.length,
      unchanged: 0,
      outdated: { dueSources, pycs: outdated.length * options.levels.length },
    };
  }
  // The largest first, so that no large source is left for the end.
  jobs.sort((a, b) => b.source.sizeBytes - a.source.sizeBytes);
  const work: Work[] = [];
  for (const pool of pools.all) {
    const own = jobs.filter(({ interpreter }) => interpreter === pool.interpreter);
    const ownSources = own.map(({ source }) => source);
    const compiler = cache && compilerForCache(pool, options);
    work.push({ pool, jobs: own, maxWorkers: workersFor(ownSources, options.jobs), compiler });
    context.onInterpreter(pool.interpreter, ownSources);
  }
  const { buildroot, link, normalize, debugRanges, invalidationMode, keepCurrent } = options;
  const hash = options.manifest !== undefined || options.removeSources;
  const writing = { buildroot, link, normalize, debugRanges, hash, keepCurrent, cache };
  const done = await doWork(work, { ...writing, invalidationMode, emptyByHash }, context);
  if (cache !== undefined) addCounts(done.cache, withoutCache(work));
  return { ...done, jobs: jobs.length };
}

/** Counts the sources of interpreters whose pycs cannot be cached. */
function withoutCache(work: readonly Work[]): CacheCounts {
  const counts = emptyCounts();
  for (const { pool, jobs } of work.filter(({ compiler }) => compiler === undefined)) {
    const reason = pool.interpreter.root === undefined ? 'no normal form' : 'compiled in a chroot';
    const uncached = jobs.length === 0 ? {} : { [reason]: jobs.length };
    addCounts(counts, { ...emptyCounts(), compiled: jobs.length, uncached });
  }
  return counts;
}

/** Returns the interpreters that compile a source. */
export function interpretersOf(pools: Pools): (source: Source) => Interpreter[] {
  return (source) => pools.poolsOf(source).map((pool) => pool.interpreter);
}
