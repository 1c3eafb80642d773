import { readdirSync } from 'node:fs';
import { leftoverReason } from '../audit/leftovers.ts';
import type { excluder } from '../buildroot/exclude.ts';
import { toPayload } from '../buildroot/path.ts';
import { isInterpreterName, readerOf, readsTag } from '../buildroot/python-directory.ts';
import { resolveInBuildroot } from '../buildroot/resolve.ts';
import { type Source, sourceAt } from '../buildroot/source.ts';
import { childOf, contains, nameOf, type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';
import { readContent, readRegular, withRegular } from '../files/read-regular.ts';
import { type FileStat, isGone, lstatIfAny } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';
import { cacheTagOf } from '../manifest/interpreters.ts';
import type { PycRecord } from '../manifest/schema.ts';
import { type PycHeader, parsePycHeader, staleReason } from '../pyc/header.ts';
import { releaseOf } from '../pyc/releases.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import { skipReasons } from '../skipped.ts';
import type { Settings } from './compile-all.ts';

/** The pycs that a build makes from a source with one interpreter, unless something fails. */
export type Planned = Pick<PycRecord, 'source' | 'paths' | 'cacheTag'>;

/** What pruning depends on. */
export interface PruneFacts {
  readonly options: Settings;
  /** As they are now or, in a dry run, would be. */
  readonly sources: readonly Source[];
  /** Also of sources that turned out not to compile: a dry run cannot tell, and their old pycs stay. */
  readonly planned: readonly Planned[];
  /** Where symlinks lead to: another interpreter may read a directory through one. */
  readonly symlinks: ReadonlyMap<StagedPath, StagedPath>;
  /** Sources that the build removes. */
  readonly toRemove: ReadonlySet<StagedPath>;
}

/** Decides which pycs are useless. */
export class PruneReasons {
  readonly #options: Settings;
  readonly #facts: PruneFacts;
  readonly #sources: ReadonlyMap<StagedPath, Source>;
  /** The source and the cache tag, joined by a NUL, of each module that this build compiles. */
  readonly #modules: ReadonlySet<string>;
  readonly #isExcluded: Awaited<ReturnType<typeof excluder>>;
  /** The names of files, by directory. */
  readonly #names = new Map<StagedPath, readonly string[]>();
  /** The directories that symlinks named `__pycache__` lead to. */
  readonly #sharedCaches: ReadonlySet<StagedPath>;

  constructor(facts: PruneFacts, isExcluded: Awaited<ReturnType<typeof excluder>>) {
    const { options, sources, planned, symlinks } = facts;
    this.#options = options;
    this.#facts = facts;
    this.#sharedCaches = new Set(
      Array.from(symlinks).flatMap(([link, to]) => (nameOf(link) === '__pycache__' ? to : [])),
    );
    this.#sources = new Map(sources.map((source) => [source.staged, source]));
    this.#modules = new Set(planned.map((record) => `${record.source}\0${cacheTagOf(record)}`));
    this.#isExcluded = isExcluded;
  }

  /** Why a pyc is useless; undefined if it stays. A symlink out of the tree may lack a reason. @throws the system's error */
  look(staged: StagedPath) {
    const [, stem = '', cacheTag = '', level = '0', pytest] = pycName.exec(nameOf(staged)) ?? [];
    const cache = parentOf(staged);
    const { buildroot } = this.#options;
    if (stem === '' || nameOf(cache) !== '__pycache__' || cache === buildroot.path) return undefined;
    // Its pycs may be those of other sources.
    if (this.#sharedCaches.has(cache)) return undefined;
    const source = childOf(parentOf(cache), `${stem}.py`);
    const path = toPayload(buildroot, staged);
    if ([staged, source].some((one) => this.#isExcluded(one, toPayload(buildroot, one)))) return undefined;
    const stat = lstatIfAny(staged);
    if (stat === undefined) return undefined;
    const place = stat.kind === 'symlink' ? resolveInBuildroot(buildroot, staged) : { kind: 'inside', path: staged };
    const header = 'path' in place ? withRegular(place.path, readHeader) : undefined;
    if (header === undefined && place.kind === 'inside') return undefined;
    if (header !== undefined && 'unreadable' in header) return undefined;
    const detail =
      this.#orphanReason(source, stem) ??
      (pytest === undefined ? undefined : leftoverReason(path)) ??
      this.#foreignReason(staged, cacheTag) ??
      this.#levelReason(source, cacheTag, level) ??
      (place.kind === 'dangling' ? skipReasons['dangling-symlink'] : header && this.#staleReason(header, source));
    return detail === undefined && place.kind !== 'outside' ? undefined : { detail, stat };
  }

  /** Programs may load a file with another name (`stem`, `stem.cfg`) as a module: its pyc has the same name. */
  #orphanReason(source: StagedPath, stem: string): string | undefined {
    if (this.#facts.toRemove.has(source)) return `the build removes ${toPayload(this.#options.buildroot, source)}`;
    if (!isGone(source)) return undefined;
    const directory = parentOf(source);
    const names = getOrAdd(this.#names, directory, () =>
      readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [] : entry.name)),
    );
    const isOther = (name: string) => name === stem || (name.startsWith(`${stem}.`) && !noSource.test(name));
    return names.some(isOther) ? undefined : `there is no ${toPayload(this.#options.buildroot, source)}`;
  }

  /** Checks each path that leads to the pyc: the interpreter that uses it must not load the cache tag. */
  #foreignReason(staged: StagedPath, cacheTag: string): string | undefined {
    const { buildroot } = this.#options;
    const reason = foreignReason(toPayload(buildroot, staged), cacheTag);
    if (reason === undefined) return undefined;
    for (const [link, target] of this.#facts.symlinks) {
      const path = contains(target, staged) ? (`${link}${staged.slice(target.length)}` as StagedPath) : undefined;
      if (path !== undefined && foreignReason(toPayload(buildroot, path), cacheTag) === undefined) return undefined;
    }
    return reason;
  }

  /**
   * If this build compiles the module for this cache tag, it writes every pyc that the module should have. Not with the
   * layout `zip`: Python loads pycs from `__pycache__` as long as their source exists.
   */
  #levelReason(source: StagedPath, cacheTag: string, level: string): string | undefined {
    const { buildroot, layout, levels } = this.#options;
    if (!this.#modules.has(`${toPayload(buildroot, source)}\0${cacheTag}`)) return undefined;
    return layout === 'zip' || levels.some((one) => `${one}` === level)
      ? undefined
      : `the build does not write level ${level}`;
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

function readHeader(descriptor: number, { sizeBytes }: FileStat) {
  return parsePycHeader(readContent(descriptor, Math.min(sizeBytes, 16)));
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
