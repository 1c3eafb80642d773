import { discover } from '../buildroot/discover.ts';
import { excluder } from '../buildroot/exclude.ts';
import { resolveGiven } from '../buildroot/path.ts';
import { expandPatterns } from '../buildroot/path-patterns.ts';
import type { InterpreterRequest } from '../buildroot/python-directory.ts';
import type { Source } from '../buildroot/source.ts';
import { mayHaveEntries } from '../cache/local-store.ts';
import { openPools } from '../compile/open-pools.ts';
import { PyclinkError } from '../errors.ts';
import { exitSignal } from '../exit-signal.ts';
import { removeLeftovers } from '../files/leftovers.ts';
import { contains } from '../files/path.ts';
import type { BuildContext } from './context.ts';
import type { BuildOptions } from './options.ts';
import type { BuildReport } from './report.ts';
import { Stopwatch } from './stopwatch.ts';
import { activeInterpreter, openTreeOf, pathsOfSystem } from './tree.ts';
import { workersFor, workersPerThread } from './worker-counts.ts';

/**
 * Runs a build stage by stage: find the sources, start the interpreters, compile, link, write the manifest. While the
 * first interpreter starts, the code of later stages is loaded.
 * @throws PyclinkError if the run cannot go on; outcomes of single files are in the report
 */
export async function build(options: BuildOptions, context: BuildContext): Promise<BuildReport> {
  const watch = new Stopwatch();
  const { inPlace, python } = options;
  const buildroot = openTreeOf(options);
  const strip = resolveGiven(buildroot, options.strip ?? buildroot.path);
  const isWholeSystem = inPlace && options.paths.length === 0;
  const { paths, passedOver, skipped } = isWholeSystem
    ? await pathsOfSystem(context.environment)
    : { paths: await expandPatterns(buildroot, options.paths), passedOver: [], skipped: [] };
  const discovered = discover(buildroot, {
    paths,
    only: options.only,
    python: python === undefined ? undefined : pythonRequest(python, options.pythonMayBeStaged),
    otherwise: inPlace ? activeInterpreter(context.environment) : undefined,
    isExcluded: await excluder(options.excludeRegex, options.exclude),
  });
  const known = new Set(discovered.skipped.map(({ path }) => path));
  const given = new Set(options.paths);
  const notNamed = new Set<string>(paths.filter((path) => !given.has(path)));
  const found = {
    ...discovered,
    skipped: [...skipped.filter(({ path }) => !known.has(path)), ...discovered.skipped],
    withoutSources: discovered.withoutSources.filter((path) => !isWholeSystem && !notNamed.has(path)),
  };
  refuseUnstrippable(found.sources, strip);
  watch.lap('discover');

  const ifMissing = options.errors === 'warn' ? 'skip' : 'fail';
  const isStocked = mayTakeFromStore(options);
  const startedFor = (sources: readonly Source[]) => firstWorkers(sources, options, isStocked);
  const start = {
    inChroot: options.chroot,
    forCache: options.cache !== undefined && options.normalize && !options.dryRun,
    debugRanges: options.debugRanges,
  };
  exitSignal();
  const opening = openPools(buildroot, found.sources, context.environment, ifMissing, startedFor, start);
  const loading = [import('./compile-and-write.ts'), isStocked ? undefined : loadServer(options)] as const;
  if (!options.dryRun) for (const directory of discovered.leftovers) removeLeftovers(directory);
  const [pools, { compileAndWrite }] = await Promise.all([opening, ...loading]);
  try {
    const settings = { ...options, paths, isWholeSystem, buildroot, strip, passedOver };
    return await compileAndWrite(found, pools, settings, context, watch);
  } finally {
    await pools.close();
  }
}

/** How many workers to start before the interpreter is known. Threads start their own. */
function firstWorkers(sources: readonly Source[], options: BuildOptions, isStocked: boolean): number {
  const count = workersFor(sources, options.jobs);
  const mayHaveLittleToDo = options.dryRun || options.keepCurrent || isStocked;
  return mayHaveLittleToDo || count >= workersPerThread ? 1 : count;
}

function mayTakeFromStore({ cache }: BuildOptions): boolean {
  return cache !== undefined && cache.directory !== '' && mayHaveEntries(cache);
}

/** Loads what talks to a server, if there is one: it is certain to be used if the local store is empty. */
async function loadServer({ cache }: BuildOptions): Promise<void> {
  if (cache?.remote !== undefined) await (await import('../cache/remote-cache.ts')).storeClass(cache.remote.url);
}

function pythonRequest(command: string, mayBeStaged = false): InterpreterRequest {
  return { command, isNamed: true, ...(mayBeStaged && { mayBeStaged }) };
}

function refuseUnstrippable(sources: readonly Source[], strip: string): void {
  const outside = sources.find((source) => !contains(strip, source.staged));
  if (outside === undefined) return;
  throw new PyclinkError('usage', `--strip: ${strip} is not a parent directory of ${outside.staged}`, {
    hint: 'without --strip, pyclink strips the buildroot',
  });
}
