import { discover } from './buildroot/discover.ts';
import { excluder, globMatcher } from './buildroot/exclude.ts';
import { applyMtimePolicy } from './buildroot/mtime.ts';
import { openBuildroot } from './buildroot/open.ts';
import { type Buildroot, byCodeUnit, contains, resolveGiven, toPayload } from './buildroot/path.ts';
import { isProblem, type Skipped } from './buildroot/skipped.ts';
import type { Source } from './buildroot/source.ts';
import { type CompileOutcome, compile } from './bytecode/compile.ts';
import { isCurrent } from './bytecode/current.ts';
import type { Environment } from './bytecode/environment.ts';
import type { Interpreter } from './bytecode/interpreter.ts';
import { openPools } from './bytecode/open-pools.ts';
import { planCompile } from './bytecode/plan.ts';
import type { BuildOptions } from './config.ts';
import { PyclinkError } from './errors.ts';
import { linkIdentical } from './links/apply.ts';
import { type ReadPyc, readPyc, sameContent, sha256Of } from './links/fingerprint.ts';
import { groupByInode } from './links/group.ts';
import { completeManifest, mergeContent, recordsOf } from './manifest/encode.ts';
import { goneFrom, manifestText, outputPath, readManifestIfAny, writeWhole } from './manifest/file.ts';
import { encodeFilelist } from './manifest/filelist.ts';
import type { PycRecord } from './manifest/schema.ts';
import type { BuildReport } from './report/build-report.ts';
import { Stopwatch } from './report/stopwatch.ts';
import { version } from './version.ts';

/** What a build needs of the world besides its options, and whom it tells. */
export interface BuildContext {
  readonly environment: Environment;
  /** An interpreter begins with its sources. */
  readonly onInterpreter: (interpreter: Interpreter, sources: number) => void;
  /** So many sources of so many are done. */
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * The main job, stage by stage: find the sources, start the interpreters, compile, link what came out identical, write
 * the manifest.
 * @throws PyclinkError if the run cannot go on; what happens to single files is in the report
 */
export async function build(options: BuildOptions, context: BuildContext): Promise<BuildReport> {
  const watch = new Stopwatch(['discover', 'start', 'compile', 'link', 'write']);
  const buildroot = openBuildroot(options.buildroot);
  const manifestFile = options.manifest && outputPath(buildroot, options.manifest);
  const filelistFile = options.filelist && outputPath(buildroot, options.filelist);
  const earlier = options.append && manifestFile ? readManifestIfAny(manifestFile) : undefined;
  const strip = resolveGiven(buildroot, options.strip ?? buildroot.path);

  const found = discover(buildroot, {
    paths: options.paths,
    python: options.python,
    isExcluded: excluder(options.excludeRegexes, options.excludeGlobs),
  });
  refuseUnstrippable(found.sources, strip);
  watch.lap('discover');

  const pools = await openPools(buildroot, found.sources, context.environment);
  try {
    const interpreters = pools.all.map((pool) => pool.interpreter);
    const sources = options.dryRun ? found.sources : applyMtimePolicy(buildroot, found.sources, options.mtime);
    const jobs = planCompile(
      sources,
      (source) => pools.poolsOf(source).map((pool) => pool.interpreter),
      options.levels,
      { strip, prepend: options.prepend },
    );
    const current = new Set(options.keepCurrent ? jobs.filter((job) => isCurrent(job, options.invalidationMode)) : []);
    const collected = new Collected(buildroot, options);
    watch.lap('start');

    if (!options.dryRun) {
      let done = 0;
      const collect = (outcome: CompileOutcome) => {
        watch.lap('compile');
        collected.add(outcome);
        watch.lap('link');
        context.onProgress(++done, jobs.length);
      };
      for (const job of current) collect({ job, written: job.pycs, warnings: [] });
      for (const pool of pools.all) {
        const due = jobs.filter((job) => job.interpreter === pool.interpreter && !current.has(job));
        context.onInterpreter(pool.interpreter, due.length);
        await compile(pool, due, options.jobs, options.invalidationMode, collect);
      }
    }

    const skipped = [...found.skipped, ...collected.skipped].sort((a, b) => byCodeUnit(a.path, b.path));
    const content = { interpreters: interpreters.map(forManifest), records: collected.records, skipped };
    const thisRun = completeManifest(version, content);
    if (!options.dryRun) {
      const examined = new Set([...found.sources.map(({ payload }) => payload), ...skipped.map(({ path }) => path)]);
      const whole =
        earlier === undefined
          ? thisRun
          : completeManifest(version, mergeContent(earlier, content, examined, goneFrom(buildroot)));
      if (manifestFile) writeWhole(manifestFile, manifestText(whole));
      if (filelistFile) writeWhole(filelistFile, encodeFilelist(recordsOf(whole)));
    }
    watch.lap('write');

    const isAllowed = globMatcher(options.allowErrorsGlobs);
    return {
      dryRun: options.dryRun,
      buildroot: buildroot.path,
      interpreters,
      levels: options.levels,
      sources: found.sources.length,
      current: current.size,
      ...thisRun.totals,
      pycs: options.dryRun ? jobs.length * options.levels.length : thisRun.totals.pycs,
      skipped: skipped.map((entry) => ({
        ...entry,
        isProblem: isProblem(entry.reason) && options.errors === 'fail' && !isAllowed(entry.path),
      })),
      warnings: collected.warnings.sort(byCodeUnit),
      manifest: manifestFile,
      filelist: filelistFile,
      seconds: watch.seconds,
    };
  } finally {
    await pools.close();
  }
}

/** Links the pycs of each source as soon as it is compiled, and keeps what the manifest will say. */
class Collected {
  readonly records: PycRecord[] = [];
  readonly skipped: Skipped[] = [];
  readonly warnings: string[] = [];
  readonly #buildroot: Buildroot;
  readonly #options: BuildOptions;

  constructor(buildroot: Buildroot, options: BuildOptions) {
    this.#buildroot = buildroot;
    this.#options = options;
  }

  add({ job, written, failure, warnings }: CompileOutcome): void {
    const { payload } = job.source;
    this.warnings.push(...warnings);
    if (failure !== undefined) {
      const message = failure.problem.replaceAll(`${this.#buildroot.path}/`, '/').trim();
      this.skipped.push({ path: payload, reason: failure.reason, message });
    }
    const pycs = written.flatMap((pyc) => readPyc(pyc.staged) ?? []);
    if (pycs.length < written.length) {
      this.skipped.push({ path: payload, reason: 'does-not-compile', message: 'the interpreter wrote no pyc' });
    }
    const { groups, notLinked } = this.#options.link
      ? linkIdentical(pycs, sameContent)
      : { groups: groupByInode(pycs), notLinked: [] };
    for (const { path, reason, errno } of notLinked) {
      const staged = toPayload(this.#buildroot, path);
      this.skipped.push({ path: staged, reason, ...(errno === undefined ? {} : { message: errno }) });
    }
    this.records.push(...groups.map((group) => this.#record(payload, group)));
  }

  #record(source: PycRecord['source'], group: readonly ReadPyc[]): PycRecord {
    const [{ sizeBytes, content, mode }] = group as [ReadPyc];
    return {
      source,
      paths: group.map(({ path }) => toPayload(this.#buildroot, path)),
      sizeBytes,
      sha256: sha256Of(content),
      mode: mode.toString(8).padStart(4, '0'),
      invalidationMode: this.#options.invalidationMode,
    };
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
