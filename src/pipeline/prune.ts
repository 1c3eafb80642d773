import { readdirSync } from 'node:fs';
import { leftoverReason } from '../audit/leftovers.ts';
import { excluder } from '../buildroot/exclude.ts';
import { type Buildroot, toPayload } from '../buildroot/path.ts';
import { isInterpreterName, pythonDirectoryOf, readerOf, readsTag } from '../buildroot/python-directory.ts';
import { resolveInBuildroot } from '../buildroot/resolve.ts';
import { walkLimits } from '../buildroot/running-system.ts';
import type { Source } from '../buildroot/source.ts';
import { startingPoints } from '../buildroot/starting-points.ts';
import { walk } from '../buildroot/walk.ts';
import { errnoOf } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import { childOf, nameOf, type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';
import { readContent, readRegular, withRegular } from '../files/read-regular.ts';
import { removeFile } from '../files/replace.ts';
import { isGone, isSameVersion, lstat, lstatIfAny, wholeSeconds } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';
import { cacheTagOf } from '../manifest/interpreters.ts';
import type { PycRecord } from '../manifest/schema.ts';
import { type PycHeader, parsePycHeader, staleReason } from '../pyc/header.ts';
import { parsePycPath } from '../pyc/name.ts';
import { releaseOf } from '../pyc/releases.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import type { Skipped } from '../skipped.ts';
import { inTurns } from '../turns.ts';
import type { Settings } from './compile-all.ts';
import type { PrunedPyc } from './report.ts';

/** The pycs that a build made from a source with one interpreter. */
export type Made = Pick<PycRecord, 'source' | 'paths' | 'cacheTag'>;

/** The result of pruning. */
interface Pruned {
  /** Sorted by path. */
  readonly pruned: readonly PrunedPyc[];
  readonly skipped: readonly Skipped[];
}

/**
 * Removes pycs in the PATHs that no interpreter loads, whose source changed, or that are of levels that this build does
 * not make. Removes only files in a `__pycache__` with the name and the start of a pyc, and only if the reason is
 * certain.
 * @param sources as they are now or, in a dry run, would be
 * @param made what the build made or, in a dry run, would make
 */
export async function prune(options: Settings, sources: readonly Source[], made: readonly Made[]): Promise<Pruned> {
  const { buildroot, dryRun } = options;
  const built = new Set(made.flatMap(({ paths }) => paths));
  const pruner = new Pruner(options, sources, made);
  const pruned: PrunedPyc[] = [];
  const skipped: Skipped[] = [];
  for await (const staged of inTurns(pycsIn(buildroot, options))) {
    const path = toPayload(buildroot, staged);
    if (built.has(path)) continue;
    // Keep what cannot be examined.
    const found = ifPossible(() => pruner.look(staged));
    if (found === undefined) continue;
    const { detail, stat } = found;
    try {
      const isSame = (name: string) => isSameVersion(lstatIfAny(name), stat);
      if (dryRun || removeFile(staged, isSame)) pruned.push({ path, detail });
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      skipped.push({ path, reason: 'pyc-not-removed', message: errno });
    }
  }
  return { pruned, skipped };
}

/** The pycs in the PATHs or, without PATHs, in the Python directories. Does not follow symlinks. */
function pycsIn(buildroot: Buildroot, { paths, only }: Pick<Settings, 'paths' | 'only'>): StagedPath[] {
  const below = (directory: StagedPath) =>
    walk(directory, ['*.pyc'], walkLimits(buildroot)).found.flatMap(({ path, type }) => (type === 'file' ? path : []));
  const isDirectory = (path: StagedPath) => ifPossible(() => lstatIfAny(path))?.kind === 'directory';
  const isMeant = (path: PayloadPath) =>
    !['python2', undefined].includes(pythonDirectoryOf(path)?.kind) && only?.matching.test(path) !== false;
  if (paths.length === 0) return below(buildroot.path).filter((path) => isMeant(toPayload(buildroot, path)));
  const points = startingPoints(buildroot, paths);
  const files = new Set(points.filter((path) => !isDirectory(path)));
  const caches = new Set(Array.from(files, (path) => childOf(parentOf(path), '__pycache__')));
  const ofFiles = [...caches].filter(isDirectory).flatMap(below);
  const found = [
    ...points.filter((path) => !files.has(path)).flatMap(below),
    ...ofFiles.filter((path) => files.has(parsePycPath(path)?.source ?? path)),
  ];
  return [...new Set(found)].sort();
}

/** Decides which pycs are useless. */
class Pruner {
  readonly #options: Settings;
  readonly #sources: ReadonlyMap<StagedPath, Source>;
  /** `SOURCE\\0CACHETAG` for each module that this build compiled. */
  readonly #modules: ReadonlySet<string>;
  readonly #isExcluded: ReturnType<typeof excluder>;
  /** The names of files, by directory. */
  readonly #names = new Map<StagedPath, readonly string[]>();

  constructor(options: Settings, sources: readonly Source[], made: readonly Made[]) {
    this.#options = options;
    this.#sources = new Map(sources.map((source) => [source.staged, source]));
    this.#modules = new Set(made.map((record) => `${record.source}\0${cacheTagOf(record)}`));
    this.#isExcluded = excluder(options.excludeRegex, options.exclude);
  }

  /** Why a pyc is useless, and which file it is; undefined if it stays. @throws the system's error */
  look(staged: StagedPath) {
    const [, stem = '', cacheTag = '', level = '0', pytest] = pycName.exec(nameOf(staged)) ?? [];
    const cache = parentOf(staged);
    const { buildroot } = this.#options;
    if (stem === '' || nameOf(cache) !== '__pycache__' || cache === buildroot.path) return undefined;
    const source = childOf(parentOf(cache), `${stem}.py`);
    const path = toPayload(buildroot, staged);
    if ([staged, source].some((one) => this.#isExcluded(one, toPayload(buildroot, one)))) return undefined;
    const start = withRegular(staged, (descriptor, stat) => ({
      stat,
      header: parsePycHeader(readContent(descriptor, Math.min(stat.sizeBytes, 16))),
    }));
    if (start === undefined || 'unreadable' in start.header) return undefined;
    const detail =
      this.#orphanReason(source, stem) ??
      (pytest === undefined ? undefined : leftoverReason(path)) ??
      foreignReason(path, cacheTag) ??
      this.#levelReason(source, cacheTag, level) ??
      this.#staleReason(start.header, source);
    return detail === undefined ? undefined : { detail, stat: start.stat };
  }

  /** Programs may load a file with another name (`stem`, `stem.cfg`) as a module: its pyc has the same name. */
  #orphanReason(source: StagedPath, stem: string): string | undefined {
    if (!isGone(source)) return undefined;
    const directory = parentOf(source);
    const names = getOrAdd(this.#names, directory, () =>
      readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [] : entry.name)),
    );
    const isOther = (name: string) => name === stem || (name.startsWith(`${stem}.`) && !noSource.test(name));
    return names.some(isOther) ? undefined : `there is no ${toPayload(this.#options.buildroot, source)}`;
  }

  /** If this build compiled the module for this cache tag, it wrote every pyc that the module should have. */
  #levelReason(source: StagedPath, cacheTag: string, level: string): string | undefined {
    const { buildroot, layout, levels } = this.#options;
    if (!this.#modules.has(`${toPayload(buildroot, source)}\0${cacheTag}`)) return undefined;
    if (layout === 'zip') return 'the build writes pycs next to their sources';
    return levels.some((one) => `${one}` === level) ? undefined : `the build does not write level ${level}`;
  }

  #staleReason(header: PycHeader, staged: StagedPath): string | undefined {
    if (releaseOf(header.magicNumber).name === undefined) return undefined;
    const source = this.#sources.get(staged) ?? sourceAt(this.#options.buildroot, staged);
    if (source === undefined) return undefined;
    const { sizeBytes, mtimeSeconds, content } = source;
    const text = header.invalidationMode === 'timestamp' ? Buffer.of() : readRegular(content)?.content;
    if (text === undefined) return undefined;
    const hash = (magicNumber: number) => sourceHash(magicNumber, text);
    return staleReason(header, { sizeBytes, mtimeSeconds, hash });
  }
}

/** Matches pycs of known interpreters, and those of pytest, which appends its own name to the tag. */
const pycName = /^(.+)\.(cpython-3\d+|pypy3\d+)(?:\.opt-([12])|(-pytest-.+))?\.pyc$/s;

/** Files that may have the name of a module but are not the source of a pyc. */
const noSource = /\.(?:so|pyi|py[co])$/;

/** Which interpreter uses the directory, if that is certain and it does not load the cache tag. */
function foreignReason(path: PayloadPath, cacheTag: string): string | undefined {
  const reader = readerOf(path);
  // A library may contain another one, with its own interpreter.
  const commands = path.split('/').filter(isInterpreterName);
  if (reader === undefined || commands.some((command) => readsTag(command, cacheTag))) return undefined;
  return `${reader} does not read the pycs of ${cacheTag}`;
}

/** A source that the build did not compile, as Python sees it; undefined if it is not a file in the tree. */
function sourceAt(
  buildroot: Buildroot,
  staged: StagedPath,
): Pick<Source, 'content' | 'sizeBytes' | 'mtimeSeconds'> | undefined {
  const place = resolveInBuildroot(buildroot, staged);
  if (place.kind !== 'inside') return undefined;
  const { kind, sizeBytes, modifiedNs } = lstat(place.path);
  return kind === 'file' ? { content: place.path, sizeBytes, mtimeSeconds: wholeSeconds(modifiedNs) } : undefined;
}
