import { discover } from './buildroot/discover.ts';
import { excluder, globMatcher } from './buildroot/exclude.ts';
import { removeLeftovers } from './buildroot/leftovers.ts';
import { applyMtimePolicy } from './buildroot/mtime.ts';
import { openBuildroot } from './buildroot/open.ts';
import {
  type Buildroot,
  byCodeUnit,
  childOf,
  contains,
  type PayloadPath,
  parentOf,
  resolveGiven,
  type StagedPath,
  toPayload,
} from './buildroot/path.ts';
import { isProblem, type Skipped, type SkipReason } from './buildroot/skipped.ts';
import type { Source } from './buildroot/source.ts';
import { Arena } from './bytecode/arena.ts';
import { type CompileOutcome, compile, type MadePyc } from './bytecode/compile.ts';
import { isCurrent } from './bytecode/current.ts';
import type { Environment } from './bytecode/environment.ts';
import type { Interpreter } from './bytecode/interpreter.ts';
import type { Unreadable } from './bytecode/marshal.ts';
import { normalizePyc } from './bytecode/normalize.ts';
import { openPools, type Pools } from './bytecode/open-pools.ts';
import { type CompileJob, planCompile, pycsOf } from './bytecode/plan.ts';
import type { BuildOptions } from './config.ts';
import { messageOf, PyclinkError } from './errors.ts';
import { type LinkResult, linkIdentical } from './links/apply.ts';
import { type ReadPyc, readPyc, sameContent, sha256Of } from './links/fingerprint.ts';
import { groupByInode } from './links/group.ts';
import { normalizeFiles } from './links/normalize.ts';
import { writeLinked } from './links/write.ts';
import { completeManifest } from './manifest/encode.ts';
import { openOutputs, writeOutputs } from './manifest/outputs.ts';
import type { PycRecord } from './manifest/schema.ts';
import type { BuildReport } from './report/build-report.ts';
import { Stopwatch } from './report/stopwatch.ts';
import { version } from './version.ts';

/** What a build needs of the world besides its options, and whom it tells. */
export interface BuildContext {
  readonly environment: Environment;
  /** An interpreter begins with its sources. */
  readonly onInterpreter: (interpreter: Interpreter, sources: readonly Source[]) => void;
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
  const outputs = openOutputs(buildroot, options);
  const strip = resolveGiven(buildroot, options.strip ?? buildroot.path);
  const found = discover(buildroot, {
    paths: options.paths,
    python: options.python,
    isExcluded: excluder(options.excludeRegexes, options.excludeGlobs),
  });
  refuseUnstrippable(found.sources, strip);
  watch.lap('discover');

  const ifMissing = options.errors === 'warn' ? 'skip' : 'fail';
  const pools = await openPools(buildroot, found.sources, context.environment, ifMissing);
  try {
    if (!options.dryRun) sweep(found.sources);
    const sources = options.dryRun ? found.sources : applyMtimePolicy(buildroot, found.sources, options.mtime);
    const interpretersOf = (source: Source) => pools.poolsOf(source).map((pool) => pool.interpreter);
    const jobs = planCompile(sources, interpretersOf, options.levels, { strip, prepend: options.prepend });
    const current = new Set(options.keepCurrent ? jobs.filter((job) => isCurrent(job, options.invalidationMode)) : []);
    watch.lap('start');

    const collected = new Collected(buildroot, options);
    if (!options.dryRun) {
      let done = 0;
      const collect = (add: () => void) => {
        watch.lap('compile');
        add();
        watch.lap('link');
        context.onProgress(++done, jobs.length);
      };
      for (const job of current) collect(() => collected.addCurrent(job));
      for (const pool of pools.all) {
        const due = jobs.filter((job) => job.interpreter === pool.interpreter && !current.has(job));
        const dueSources = due.map((job) => job.source);
        context.onInterpreter(pool.interpreter, dueSources);
        await compile(pool, due, options, (outcome) => collect(() => collected.add(outcome)));
      }
    }

    const interpreters = pools.all.map((pool) => pool.interpreter);
    const skipped = [...found.skipped, ...withoutInterpreter(found.sources, pools), ...collected.skipped];
    skipped.sort((a, b) => byCodeUnit(a.path, b.path));
    const content = { interpreters: interpreters.map(forManifest), records: collected.records, skipped };
    const examined = () =>
      new Set([...found.sources.map(({ payload }) => payload), ...skipped.map(({ path }) => path)]);
    const manifest = completeManifest(version, content);
    if (!options.dryRun) writeOutputs(buildroot, outputs, manifest, examined);
    watch.lap('write');

    const isAllowed = globMatcher(options.allowErrorsGlobs);
    const counts = manifest.totals;
    return {
      dryRun: options.dryRun,
      buildroot: buildroot.path,
      interpreters,
      levels: options.levels,
      sources: found.sources.length,
      current: current.size,
      ...counts,
      pycs: options.dryRun ? jobs.length * options.levels.length : counts.pycs,
      skipped: skipped.map((entry) => ({
        ...entry,
        isProblem: isProblem(entry.reason) && options.errors === 'fail' && !isAllowed(entry.path),
      })),
      warnings: collected.warnings.sort(byCodeUnit),
      manifest: outputs.manifest,
      filelists: outputs.filelists.map(({ file }) => file),
      seconds: watch.seconds,
    };
  } finally {
    await pools.close();
  }
}

function withoutInterpreter(sources: readonly Source[], pools: Pools): Skipped[] {
  return sources.flatMap((source) => {
    const message = pools.lackOf(source);
    return message === undefined ? [] : [{ path: source.payload, reason: 'no-interpreter', message }];
  });
}

/** What a killed run left goes before anything is written: beside the sources, and where their pycs are. */
function sweep(sources: readonly Source[]): void {
  for (const directory of new Set(sources.map(({ staged }) => parentOf(staged)))) {
    removeLeftovers(directory);
    removeLeftovers(childOf(directory, '__pycache__'));
  }
}

/** Links the pycs of each source as soon as it is compiled, and keeps what the manifest will say. */
class Collected {
  readonly records: PycRecord[] = [];
  readonly skipped: Skipped[] = [];
  readonly warnings: string[] = [];
  readonly #buildroot: Buildroot;
  readonly #options: BuildOptions;
  readonly #modeTexts = new Map<number, string>();
  /** For the normal form of the source that is at hand. */
  readonly #arena = new Arena();

  constructor(buildroot: Buildroot, options: BuildOptions) {
    this.#buildroot = buildroot;
    this.#options = options;
  }

  /** Writes what was made of a source. */
  add({ job, made, failure, warnings }: CompileOutcome): void {
    const { payload } = job.source;
    this.warnings.push(...warnings);
    if (failure !== undefined) {
      const message = withoutHostPaths(failure.problem, this.#buildroot);
      this.skipped.push({ path: payload, reason: failure.reason, message });
    }
    this.#arena.clear();
    const normalized = new Map<Buffer, Buffer | Unreadable>();
    const pycs = made.map((pyc) => ({ path: pyc.staged, content: this.#normalized(pyc, normalized), mode: pyc.mode }));
    const result = writeLinked(pycs, this.#options.link);
    this.#keep(payload, result);
    // Without the name of the temporary file.
    const messages = result.failed.map(({ error }) => messageOf(error).split(',')[0]);
    if (messages.length > 0) {
      this.skipped.push({ path: payload, reason: 'not-written', message: [...new Set(messages)].join('\n') });
    }
  }

  /** Takes over the pycs of a source that are current. */
  addCurrent(job: CompileJob): void {
    let found = pycsOf(job).flatMap((pyc) => readPyc(pyc.staged) ?? []);
    if (this.#options.normalize) {
      const { pycs: inNormalForm, notNormalized } = normalizeFiles(found, false);
      found = [...inNormalForm];
      for (const { path, message } of notNormalized) this.#leave(path, 'not-normalized', message);
    }
    const unlinked = { groups: groupByInode(found), notLinked: [] };
    this.#keep(job.source.payload, this.#options.link ? linkIdentical(found, sameContent) : unlinked);
  }

  /** @param done what became of each content: levels that are certain to be the same share theirs */
  #normalized({ staged, content }: MadePyc, done: Map<Buffer, Buffer | Unreadable>): Buffer {
    if (!this.#options.normalize) return content;
    const normalized = done.get(content) ?? normalizePyc(content, this.#arena.take);
    done.set(content, normalized);
    if (!('unreadable' in normalized)) return normalized;
    this.#leave(staged, 'not-normalized', normalized.unreadable);
    return content;
  }

  #keep(source: PycRecord['source'], { groups, notLinked }: Pick<LinkResult<ReadPyc>, 'groups' | 'notLinked'>): void {
    for (const { path, reason, errno } of notLinked) this.#leave(path, reason, errno);
    this.records.push(...groups.map((group) => this.#record(source, group)));
  }

  #leave(path: StagedPath, reason: SkipReason, message: string | undefined): void {
    this.skipped.push({
      path: toPayload(this.#buildroot, path),
      reason,
      ...(message === undefined ? {} : { message }),
    });
  }

  #record(source: PycRecord['source'], group: readonly ReadPyc[]): PycRecord {
    const [{ sizeBytes, content, mode }] = group as [ReadPyc];
    return {
      source,
      paths: group.map(({ path }) => copied(toPayload(this.#buildroot, path))),
      sizeBytes,
      sha256: sha256Of(content),
      mode: this.#modeText(mode),
      invalidationMode: this.#options.invalidationMode,
    };
  }

  /** One text for all that have the mode: there may be very many. */
  #modeText(mode: number): string {
    const text = this.#modeTexts.get(mode) ?? mode.toString(8).padStart(4, '0');
    this.#modeTexts.set(mode, text);
    return text;
  }
}

/** The same text, which does not keep the longer one in memory that it was cut out of. */
function copied(path: PayloadPath): PayloadPath {
  return Buffer.from(path).toString() as PayloadPath;
}

/** What an interpreter said, less the way to the buildroot and the number in the name of its temporary file. */
function withoutHostPaths(problem: string, buildroot: Buildroot): string {
  return problem
    .replaceAll(`${buildroot.path}/`, '/')
    .replace(/(?<=\.pyc)\.\d+(?='$)/gm, '')
    .trim();
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
