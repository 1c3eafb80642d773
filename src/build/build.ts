import { discover } from '../buildroot/discover.ts';
import { excluder, globMatcher } from '../buildroot/exclude.ts';
import { applyMtimePolicy } from '../buildroot/mtime.ts';
import { openBuildroot } from '../buildroot/open.ts';
import { type Buildroot, resolveGiven } from '../buildroot/path.ts';
import type { InterpreterRequest } from '../buildroot/python-directory.ts';
import type { Source } from '../buildroot/source.ts';
import { worthwhileWorkers } from '../compile/compile.ts';
import { isCurrent } from '../compile/current.ts';
import type { Environment } from '../compile/environment.ts';
import { foreignDirectories } from '../compile/foreign-directories.ts';
import type { Interpreter } from '../compile/interpreter.ts';
import { openPools, type Pools } from '../compile/open-pools.ts';
import { planCompile } from '../compile/plan.ts';
import { PyclinkError } from '../errors.ts';
import { removeLeftovers } from '../files/leftovers.ts';
import { byCodeUnit, childOf, contains, parentOf } from '../files/path.ts';
import { completeManifest } from '../manifest/encode.ts';
import { openOutputs, writeOutputs } from '../manifest/outputs.ts';
import { isProblem, type Skipped } from '../skipped.ts';
import { version } from '../version.ts';
import { type Done, workInLanes } from './lanes.ts';
import type { BuildOptions } from './options.ts';
import type { BuildReport } from './report.ts';
import { Stopwatch } from './stopwatch.ts';

/** What a build knows of its process. */
export interface Surroundings {
  readonly environment: Environment;
  /** Aborted when the process is about to exit. */
  readonly signal?: AbortSignal | undefined;
}

/** What a build needs besides its options. */
export interface BuildContext extends Surroundings {
  /** An interpreter starts to compile these sources. */
  readonly onInterpreter: (interpreter: Interpreter, sources: readonly Source[]) => void;
  /** `done` of `total` sources are done. */
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * The main job, stage by stage: find the sources, start the interpreters, compile, link, write the manifest.
 * @throws PyclinkError if the run cannot go on; outcomes of single files are in the report
 */
export async function build(options: BuildOptions, context: BuildContext): Promise<BuildReport> {
  const watch = new Stopwatch(['discover', 'start', 'compile', 'write']);
  const buildroot = openBuildroot(options.buildroot);
  const outputs = await openOutputs(buildroot, options);
  const strip = resolveGiven(buildroot, options.strip ?? buildroot.path);
  const found = discover(buildroot, {
    paths: options.paths,
    only: options.only,
    python: options.python === undefined ? undefined : pythonRequest(options.python, options.pythonMayBeStaged),
    isExcluded: excluder(options.excludeRegex, options.exclude),
  });
  refuseUnstrippable(found.sources, strip);
  watch.lap('discover');

  const ifMissing = options.errors === 'warn' ? 'skip' : 'fail';
  const pools = await openPools(buildroot, found.sources, context.environment, ifMissing);
  try {
    if (!options.dryRun) sweep(found.sources);
    const sources = options.dryRun ? found.sources : applyMtimePolicy(buildroot, found.sources, options.mtime);
    watch.lap('start');
    const done = await compileAll(sources, pools, { ...options, buildroot, strip }, context);
    watch.lap('compile');

    const interpreters = pools.all.map((pool) => pool.interpreter);
    const skipped = [...found.skipped, ...withoutInterpreter(found.sources, pools), ...done.skipped];
    skipped.sort((a, b) => byCodeUnit(a.path, b.path));
    const content = { interpreters: interpreters.map(forManifest), records: done.records, skipped };
    const examined = () =>
      new Set([...found.sources.map(({ payload }) => payload), ...skipped.map(({ path }) => path)]);
    const manifest = completeManifest(version, content);
    if (!options.dryRun) writeOutputs(buildroot, outputs, manifest, examined);
    watch.lap('write');

    const isAllowed = globMatcher(options.allowErrors);
    const counts = manifest.totals;
    return {
      dryRun: options.dryRun,
      buildroot: buildroot.path,
      interpreters,
      levels: options.levels,
      sources: found.sources.length,
      current: done.current,
      ...counts,
      pycs: options.dryRun ? done.jobs * options.levels.length : counts.pycs,
      skipped: skipped.map((entry) => ({
        ...entry,
        isProblem: isProblem(entry.reason) && options.errors === 'fail' && !isAllowed(entry.path),
      })),
      warnings: [...foreignDirectories(found.sources, interpretersOf(pools)), ...done.warnings].sort(byCodeUnit),
      manifest: outputs.manifest,
      filelists: outputs.filelists.map(({ file }) => file),
      seconds: watch.seconds,
    };
  } finally {
    await pools.close();
  }
}

function pythonRequest(command: string, mayBeStaged = false): InterpreterRequest {
  return mayBeStaged ? { command, mayBeStaged } : { command };
}

/**
 * Compiles what is not current, keeps what is, and collects the outcomes. The jobs are freed before the manifest is
 * made, to save memory.
 */
async function compileAll(
  sources: readonly Source[],
  pools: Pools,
  options: Omit<BuildOptions, 'buildroot'> & { readonly buildroot: Buildroot; readonly strip: string },
  context: BuildContext,
): Promise<Done & { readonly jobs: number }> {
  const { strip, prepend } = options;
  const jobs = planCompile(sources, interpretersOf(pools), options.levels, { strip, prepend });
  if (options.dryRun) {
    const current = options.keepCurrent ? jobs.filter((job) => isCurrent(job, options.invalidationMode)).length : 0;
    return { jobs: jobs.length, current, records: [], skipped: [], warnings: [] };
  }
  // The largest first: none of them is left for the end.
  jobs.sort((a, b) => b.source.sizeBytes - a.source.sizeBytes);
  const work = pools.all.map((pool) => {
    const own = jobs.filter(({ interpreter }) => interpreter === pool.interpreter);
    const slots = Math.max(1, Math.min(options.jobs, worthwhileWorkers(own)));
    context.onInterpreter(
      pool.interpreter,
      own.map(({ source }) => source),
    );
    return { pool, jobs: own, slots };
  });
  const { buildroot, link, normalize, invalidationMode, keepCurrent } = options;
  const laneOptions = { buildroot, link, normalize, invalidationMode, keepCurrent };
  return { jobs: jobs.length, ...(await workInLanes(work, laneOptions, context)) };
}

function interpretersOf(pools: Pools): (source: Source) => Interpreter[] {
  return (source) => pools.poolsOf(source).map((pool) => pool.interpreter);
}

function withoutInterpreter(sources: readonly Source[], pools: Pools): Skipped[] {
  return sources.flatMap((source) => {
    const message = pools.lackOf(source);
    return message === undefined ? [] : [{ path: source.payload, reason: 'no-interpreter', message }];
  });
}

/** Removes what killed runs left beside the sources and their pycs. */
function sweep(sources: readonly Source[]): void {
  for (const directory of new Set(sources.map(({ staged }) => parentOf(staged)))) {
    removeLeftovers(directory);
    removeLeftovers(childOf(directory, '__pycache__'));
  }
}

function refuseUnstrippable(sources: readonly Source[], strip: string): void {
  const misfit = sources.find((source) => !contains(strip, source.staged));
  if (misfit === undefined) return;
  throw new PyclinkError('usage', `--strip: ${strip} is no directory above ${misfit.staged}`, {
    hint: 'without --strip the buildroot is taken off',
  });
}

function forManifest({ implementation, version: pythonVersion, cacheTag, magicNumber }: Interpreter) {
  return { implementation, version: pythonVersion, cacheTag, magicNumber };
}
