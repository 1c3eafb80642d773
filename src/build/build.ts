import { discover } from '../buildroot/discover.ts';
import { excluder } from '../buildroot/exclude.ts';
import { openBuildroot } from '../buildroot/open.ts';
import { type Buildroot, resolveGiven } from '../buildroot/path.ts';
import type { InterpreterRequest } from '../buildroot/python-directory.ts';
import type { Source } from '../buildroot/source.ts';
import { openPools } from '../compile/open-pools.ts';
import { PyclinkError } from '../errors.ts';
import { contains, normalise, type PayloadPath } from '../files/path.ts';
import type { BuildContext } from './context.ts';
import type { BuildOptions } from './options.ts';
import type { BuildReport } from './report.ts';
import { interpretersPerLane, slotsFor } from './slots.ts';
import { Stopwatch } from './stopwatch.ts';

/**
 * The main job, stage by stage: find the sources, start the interpreters, compile, link, write the manifest. An
 * interpreter takes a while to start, so what comes after it is loaded meanwhile.
 * @throws PyclinkError if the run cannot go on; outcomes of single files are in the report
 */
export async function build(options: BuildOptions, context: BuildContext): Promise<BuildReport> {
  const watch = new Stopwatch(['discover', 'start', 'compile', 'write']);
  const buildroot = withPlace(openBuildroot(options.buildroot), options);
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
  const workersFor = (sources: readonly Source[]) => firstWorkers(sources, options);
  const forCache = options.cache !== undefined && !options.dryRun;
  const [pools, { compileAndWrite }] = await Promise.all([
    openPools(buildroot, found.sources, context.environment, ifMissing, workersFor, forCache),
    import('./compile-and-write.ts'),
  ]);
  try {
    return await compileAndWrite(found, pools, { ...options, buildroot, strip }, context, watch);
  } finally {
    await pools.close();
  }
}

/** Without `--strip`, `--prepend` is where the tree will lie. */
function withPlace(buildroot: Buildroot, { strip, prepend }: BuildOptions): Buildroot {
  const installedAt = normalise(prepend) as PayloadPath;
  const isPlace = strip === undefined && prepend.startsWith('/') && installedAt !== '/';
  return isPlace ? { ...buildroot, installedAt } : buildroot;
}

/** How many workers to start before it is known what they are. Threads start their own. */
function firstWorkers(sources: readonly Source[], { jobs, dryRun, keepCurrent, cache }: BuildOptions): number {
  const slots = slotsFor(sources, jobs);
  return dryRun || keepCurrent || cache !== undefined || slots >= interpretersPerLane ? 1 : slots;
}

function pythonRequest(command: string, mayBeStaged = false): InterpreterRequest {
  return mayBeStaged ? { command, mayBeStaged } : { command };
}

function refuseUnstrippable(sources: readonly Source[], strip: string): void {
  const misfit = sources.find((source) => !contains(strip, source.staged));
  if (misfit === undefined) return;
  throw new PyclinkError('usage', `--strip: ${strip} is no directory above ${misfit.staged}`, {
    hint: 'without --strip the buildroot is taken off',
  });
}
