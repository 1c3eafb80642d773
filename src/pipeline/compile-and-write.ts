import type { Discovered } from '../buildroot/discover.ts';
import { globMatcher } from '../buildroot/exclude.ts';
import { type Buildroot, toPayload } from '../buildroot/path.ts';
import { isInSitePackages } from '../buildroot/python-directory.ts';
import type { Source } from '../buildroot/source.ts';
import { foreignDirectories } from '../compile/foreign-directories.ts';
import type { Interpreter } from '../compile/interpreter.ts';
import type { Pools } from '../compile/open-pools.ts';
import { PyclinkError } from '../errors.ts';
import { byCodeUnit } from '../files/path.ts';
import { completeManifest, type ManifestContent, mergeContent, recordsOf } from '../manifest/encode.ts';
import { goneFrom, writeWhole } from '../manifest/file.ts';
import { showsLinks } from '../manifest/fit.ts';
import { openOutputs, writeOutputs } from '../manifest/outputs.ts';
import type { Manifest } from '../manifest/schema.ts';
import { releaseOf } from '../pyc/releases.ts';
import { isForgivable, isProblem, type Skipped } from '../skipped.ts';
import { version } from '../version.ts';
import { compileAll, interpretersOf, type Settings } from './compile-all.ts';
import type { BuildContext } from './context.ts';
import { closeCache, openCache } from './open-cache.ts';
import { removeOld } from './remove-old.ts';
import { removeSources } from './remove-sources.ts';
import type { BuildReport, ReportedSkip } from './report.ts';
import { setMtimes } from './set-mtimes.ts';
import type { Stopwatch } from './stopwatch.ts';

/**
 * The stages of a build after its interpreters have started: compile, link, write the manifest.
 * @throws PyclinkError
 */
export async function compileAndWrite(
  found: Discovered,
  pools: Pools,
  options: Settings,
  context: BuildContext,
  watch: Stopwatch,
): Promise<BuildReport> {
  const { buildroot } = options;
  if (options.layout === 'zip') refuseSeveral(found.sources, pools);
  const outputs = await openOutputs(buildroot, options);
  const dated = await setMtimes(buildroot, found.sources, options);
  const { cache, cacheProblem } = options.dryRun ? {} : options;
  const opened = cacheProblem === undefined ? cache && openCache(cache, buildroot) : { problem: cacheProblem };
  const settings = opened !== undefined && 'directory' in opened ? opened : undefined;
  watch.lap('start');
  const done = await compileAll(dated.sources, pools, options, settings, context);
  watch.lap('compile');

  const interpreters = pools.all.map((pool) => pool.interpreter);
  const { removal, old } = await removeOld(found.sources, dated.sources, pools, done.records, options);
  const skipped = [
    ...found.skipped,
    ...dated.skipped,
    ...withoutInterpreter(dated.sources, pools),
    ...done.skipped,
    ...(old?.skipped ?? []),
    ...(removal?.kept ?? []),
  ];
  const content = { interpreters: interpreters.map(forManifest), records: done.records, skipped };
  const manifest = completeManifest(version, content);
  const wholeOf = (earlier: Manifest | undefined) =>
    earlier === undefined ? manifest : mergedManifest(earlier, manifest, content, found.sources, buildroot);
  const page = (file: string, whole: Manifest) => writePage(file, buildroot, whole);
  const lacking = options.dryRun ? [] : await writeOutputs(outputs, wholeOf, context.warn, page);
  const isImage = options.inPlace || options.chroot;
  const removed =
    removal && !options.dryRun ? await removeSources(buildroot, removal.removable, done.records) : undefined;
  skipped.push(...(removed?.skipped ?? []));
  skipped.sort((a, b) => byCodeUnit(a.path, b.path));
  const gone = new Set([...(removed?.removed ?? []), ...(old?.pruned ?? []).map(({ path }) => path)]);
  const listed = isImage || removed !== undefined ? recordsOf(manifest) : [];
  const unlisted =
    listed.length + gone.size > 0 && options.record && !options.dryRun
      ? (await import('../manifest/distribution-record.ts')).listInRecords(buildroot, listed, gone)
      : [];
  if (!options.dryRun && !showsLinks(buildroot, manifest)) {
    context.warn(
      `${buildroot.path}: its file system shows the links as separate files; a package or copy made from it loses the links`,
    );
  }
  watch.lap('write');

  return {
    dryRun: options.dryRun,
    buildroot: buildroot.path,
    interpreters,
    levels: options.levels,
    sources: found.sources.length,
    withoutSources: found.withoutSources.map((path) => toPayload(buildroot, path)),
    current: done.current,
    unchanged: done.unchanged,
    ...manifest.totals,
    ...done.outdated,
    ...(removal && { removedSources: removed?.removed.size ?? removal.removable.length }),
    ...(old && { pruned: old.pruned }),
    skipped: await withProblems(skipped, options),
    warnings: [
      ...new Set([...options.passedOver, ...pools.passedOver]),
      ...ignoredVariable(interpreters, options, context),
      ...foreignDirectories(found.sources, interpretersOf(pools)),
      ...dated.warnings,
      ...done.warnings,
      ...unlisted,
      ...lacking,
    ].sort(byCodeUnit),
    cache:
      opened &&
      ('problem' in opened
        ? { ...done.cache, compiled: done.jobs - done.current, problems: [opened.problem] }
        : { ...done.cache, problems: closeCache(opened, done.cache, cache?.maxBytes ?? 0) }),
    manifest: outputs.manifest,
    html: outputs.html,
    filelists: outputs.filelists.map(({ file }) => file),
    seconds: watch.seconds,
  };
}

/** What was skipped, with what makes the exit status 1. */
async function withProblems(skipped: readonly Skipped[], options: Settings): Promise<ReportedSkip[]> {
  const { allowErrors, errors, inPlace, chroot, isWholeSystem } = options;
  const isAllowed = await globMatcher(allowErrors);
  // pip and uv continue as well: libraries contain templates and code for other Python versions.
  const isLenient = (inPlace || chroot) && errors === undefined;
  const isForgiven = ({ path, reason }: Skipped) =>
    (isForgivable(reason) && (errors === 'warn' || isAllowed(path))) ||
    (isLenient && reason === 'does-not-compile' && isInSitePackages(path));
  // Sources of other users in the running system were only asked for if a PATH names them.
  const isWanted = ({ reason }: Skipped) => reason !== 'untrusted-interpreter' || !isWholeSystem;
  return skipped.map((entry) => ({
    ...entry,
    isProblem: isProblem(entry.reason) && isWanted(entry) && !isForgiven(entry),
  }));
}

/** The manifest of earlier runs with that of this run, for `--append`. @param sources those that this run examined */
function mergedManifest(
  earlier: Manifest,
  manifest: Manifest,
  content: ManifestContent,
  sources: readonly Source[],
  buildroot: Buildroot,
): Manifest {
  const examined = new Set<string>([
    ...sources.map(({ payload }) => payload),
    ...content.skipped.map(({ path }) => path),
  ]);
  const isOutdated = ({ path }: { path: string }, written: ReadonlySet<string>) =>
    examined.has(path) || written.has(path);
  const current = { ...content, records: recordsOf(manifest) };
  return completeManifest(version, mergeContent(earlier, current, isOutdated, goneFrom(buildroot)));
}

/** compileall leaves out columns if this variable is set; pyclink drops the variables of Python. */
function ignoredVariable(
  all: readonly Interpreter[],
  { debugRanges }: Settings,
  { environment }: BuildContext,
): string[] {
  const isSet = Boolean(environment['PYTHONNODEBUGRANGES']);
  const isIgnored = isSet && debugRanges && all.some(({ magicNumber }) => releaseOf(magicNumber).hasColumns);
  return isIgnored ? ['PYTHONNODEBUGRANGES is not used: --no-debug-ranges compiles without columns'] : [];
}

async function writePage(file: string, buildroot: Buildroot, manifest: Manifest): Promise<void> {
  const [{ renderPage }, { pageOfBuild }] = await Promise.all([
    import('../page/render.ts'),
    import('../page/of-manifest.ts'),
  ]);
  writeWhole(file, [renderPage(pageOfBuild(buildroot.path, manifest))]);
}

/** Next to its source a module has only one pyc, for one interpreter. @throws PyclinkError `usage` */
function refuseSeveral(sources: readonly Source[], pools: Pools): void {
  const several = sources.find((source) => pools.poolsOf(source).length > 1);
  if (several === undefined) return;
  const versions = interpretersOf(pools)(several).map(({ version: one }) => one);
  throw new PyclinkError('usage', `--layout zip: Python ${versions.join(' and ')} would share one pyc`, {
    path: several.payload,
    hint: 'name one of them with --python',
  });
}

function withoutInterpreter(sources: readonly Source[], pools: Pools): Skipped[] {
  return sources.flatMap((source) => {
    const lack = pools.lackOf(source);
    return lack === undefined ? [] : [{ path: source.payload, ...lack }];
  });
}

function forManifest({ implementation, version: pythonVersion, cacheTag, magicNumber }: Interpreter) {
  return { implementation, version: pythonVersion, cacheTag, magicNumber };
}
