import { readFileSync } from 'node:fs';
import { applyMtimePolicy } from '../buildroot/mtime.ts';
import type { Buildroot } from '../buildroot/path.ts';
import type { Scope } from '../buildroot/scope.ts';
import { type SourceFile, sourceAt } from '../buildroot/source.ts';
import { errnoOf } from '../errors.ts';
import { ifRefused } from '../files/if-possible.ts';
import { byCodeUnit, type StagedPath } from '../files/path.ts';
import { type NewVersion, replaceTogether } from '../files/replace-together.ts';
import { type FileIdentity, isGone, lstat, lstatIfAny, secondsOf, wholeSeconds } from '../files/stat.ts';
import { getOrAdd, groupBy } from '../get-or-add.ts';
import { type ImportedSource, parsePycHeader, staleReason, withSourceMtime } from '../pyc/header.ts';
import { parsePycPath } from '../pyc/name.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import { isStill, namesOfFiles, type ReadPyc, readPyc } from './fingerprint.ts';

/** A pyc that was not changed, and why. */
interface LeftFile {
  readonly path: StagedPath;
  readonly message: string;
}

/** A source file: the names under which it was compiled, and their pycs. All names have the same mtime. */
export interface SourceText {
  readonly names: SourceFile[];
  readonly pycs: StagedPath[];
}

/**
 * Groups the sources of pycs by file: symlinks and hard links are names of one file.
 * @returns also the pycs whose source cannot be used
 */
export function sourceTextsOf(
  buildroot: Buildroot,
  pycs: readonly StagedPath[],
): { readonly sources: number; readonly texts: readonly SourceText[]; readonly left: readonly LeftFile[] } {
  const pycsOf = groupBy(pycs, (path) => {
    const { source = path, cacheTag } = parsePycPath(path) ?? {};
    // Python does not compare a pyc next to its source with a source that does not exist.
    return cacheTag !== undefined || !isGone(source) ? source : undefined;
  });
  const left: LeftFile[] = [];
  const texts = new Map<FileIdentity, SourceText>();
  for (const [path, own] of [...pycsOf].sort(([a], [b]) => byCodeUnit(a, b))) {
    const found = ifAllowed(() => {
      const source = sourceAt(buildroot, path);
      return source === undefined ? 'it has no source' : { source, identity: lstat(source.content).identity };
    }, 'its source cannot be found');
    if (typeof found === 'string') {
      left.push(...own.map((pyc) => ({ path: pyc, message: found })));
      continue;
    }
    const text = getOrAdd(texts, found.identity, () => ({ names: [], pycs: [] }));
    text.names.push(found.source);
    text.pycs.push(...own);
  }
  return { sources: pycsOf.size, texts: [...texts.values()], left };
}

/** The result for a source or, in a dry run, what would be done. */
export interface RestampedText {
  /** The number of pycs whose header changed. */
  readonly rewritten: number;
  /** All pycs of the source, as they are now. Empty if something was left. */
  readonly pycs: readonly { readonly path: StagedPath; readonly content: Buffer }[];
  /** The reasons why the source and all its pycs were not changed. */
  readonly left: readonly LeftFile[];
}

/**
 * Changes the mtime of a source and records it in its pycs, or a hash if the source is empty. They stay valid. If one
 * of the pycs does not match the source or cannot be replaced, the source and all its pycs stay unchanged: a mismatched
 * pyc might look valid afterwards.
 */
export function restampText(
  scope: Scope,
  { names, pycs: paths }: SourceText,
  mtimeSeconds: number,
  dryRun: boolean,
): RestampedText {
  const leave = (message: string): RestampedText => ({
    rewritten: 0,
    pycs: [],
    left: paths.map((path) => ({ path, message })),
  });
  const [{ content: source }] = names as [SourceFile];
  const stat = ifAllowed(() => {
    const isInside = names.every(({ content }) => scope.includes(content));
    return isInside ? lstat(source) : 'its source is outside the PATHs';
  }, 'its source cannot be found');
  if (typeof stat === 'string') return leave(stat);
  const hash = (magicNumber: number) => sourceHash(magicNumber, readFileSync(source));
  const facts = { sizeBytes: stat.sizeBytes, mtimeSeconds: wholeSeconds(stat.modifiedNs), hash };
  const left: LeftFile[] = [];
  const files = namesOfFiles(readPycs(paths, left)).map((group) => newVersion(group, mtimeSeconds));
  for (const file of files) {
    const message = ifAllowed(() => reasonToLeave(file, facts), 'it cannot be examined');
    if (message !== undefined) left.push(...file.paths.map((path) => ({ path, message })));
  }
  const changed = files.filter(isChanged);
  if (left.length === 0 && !dryRun) {
    const set = (seconds: number) => () =>
      ifAllowed(() => setMtime(scope, names, seconds), 'the mtime of its source cannot be set');
    const { path, message } = replaceTogether(changed, set(mtimeSeconds), set(secondsOf(stat.modifiedNs))) ?? {};
    if (path !== undefined && message !== undefined) left.push({ path, message });
    else if (message !== undefined) return leave(message);
  }
  if (left.length > 0) return { rewritten: 0, pycs: [], left };
  return {
    rewritten: changed.reduce((sum, file) => sum + file.paths.length, 0),
    pycs: files.flatMap((file) => file.paths.map((path) => ({ path, content: file.newContent }))),
    left,
  };
}

/** @param left gets what cannot be read */
function readPycs(paths: readonly StagedPath[], left: LeftFile[]): ReadPyc[] {
  return paths.flatMap((path) => {
    const pyc = ifAllowed(() => readPyc(path), 'it cannot be read');
    if (typeof pyc === 'string') left.push({ path, message: pyc });
    if (pyc === undefined || typeof pyc === 'string') return [];
    return pyc;
  });
}

/** @param group the names of a file */
function newVersion(group: readonly ReadPyc[], mtimeSeconds: number): NewVersion {
  const [first] = group as [ReadPyc];
  const seconds = secondsOf(first.modifiedNs);
  return {
    paths: group.map(({ path }) => path),
    oldContent: first.content,
    newContent: withSourceMtime(first.content, mtimeSeconds),
    attributes: { mode: first.mode, accessedSeconds: seconds, modifiedSeconds: seconds },
    isStill: (name) => isStill(first, name),
  };
}

/** Whether a pyc records another mtime. */
function isChanged({ oldContent, newContent }: NewVersion): boolean {
  return newContent !== oldContent;
}

/** Why the mtime of a source, and that in its pyc, must not be changed. */
function reasonToLeave(file: NewVersion, source: ImportedSource): string | undefined {
  const header = parsePycHeader(file.oldContent);
  if ('unreadable' in header) return `it ${header.unreadable}`;
  const reason = staleReason(header, source);
  if (reason !== undefined || !isChanged(file)) return reason;
  const links = lstatIfAny(file.paths[0] as StagedPath)?.links ?? 0;
  return links > file.paths.length ? 'the file has another hard link elsewhere' : undefined;
}

/** Sets the mtime of names with a different one. @returns the reason if it could not */
function setMtime(scope: Scope, names: readonly SourceFile[], seconds: number): string | undefined {
  const others = () =>
    names
      .map((name): SourceFile => ({ ...name, mtimeSeconds: wholeSeconds(lstat(name.content).modifiedNs) }))
      .filter(({ mtimeSeconds }) => mtimeSeconds !== Math.trunc(seconds));
  const [refused] = applyMtimePolicy(scope, others(), { policy: 'set', epochSeconds: seconds }).refused;
  if (refused !== undefined) return `the mtime of its source cannot be set (${errnoOf(refused.error)})`;
  return others().length > 0 ? 'the mtime of its source cannot be set' : undefined;
}

/** Returns the result of `look`, or a message if the system refused. */
function ifAllowed<T>(look: () => T, otherwise: string): T | string {
  return ifRefused(look, (error) => `${otherwise} (${errnoOf(error)})`);
}
