import { readFileSync } from 'node:fs';
import { type Buildroot, isInside, toPayload, toStaged } from '../buildroot/path.ts';
import { resolveInBuildroot, resolveParent } from '../buildroot/resolve.ts';
import { walkLimits } from '../buildroot/running-system.ts';
import { type Found, walk } from '../buildroot/walk.ts';
import { errnoOf } from '../errors.ts';
import { Arena } from '../files/arena.ts';
import type { PayloadPath, StagedPath } from '../files/path.ts';
import { readAll, withRegular } from '../files/read-regular.ts';
import { type FileIdentity, type FileStat, lstatIfAny, wholeSeconds } from '../files/stat.ts';
import { isWanted, type PayloadEntry, type PycContent, type Wanted } from './entry.ts';
import { pycContentOf, sourceHashesOf } from './pyc-content.ts';

/** What a directory holds. */
export interface TreeContent {
  readonly entries: readonly PayloadEntry[];
  /** What could not be read, with the error. */
  readonly unreadable: readonly Unreadable[];
}

/** A directory that could not be listed, or a file. */
export interface Unreadable {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly error: unknown;
}

/**
 * Reads a directory that holds a payload: a buildroot, or the root of an installed system.
 * @param part the directory in it that is searched
 */
export function readTree(tree: Buildroot, wanted: Wanted, part: StagedPath = tree.path): TreeContent {
  const isSearched = wanted.others === true || wanted.inDepth === true;
  const searched = isSearched ? walk(part, ['*.py', '*.pyc', '*.pyo'], walkLimits(tree)) : undefined;
  const unreadable = (searched?.unreadable ?? []).map(
    ({ directory, error }): Unreadable => ({ path: directory, isDirectory: true, error }),
  );
  const read = pycReader(wanted.inDepth === true);
  const readIfAllowed = (file: Found) => {
    try {
      return readFound(tree, file, wanted, read);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      unreadable.push({ path: file.path, isDirectory: false, error });
      return undefined;
    }
  };
  const entries = [
    ...Array.from(wanted.pycs, (path) => readPycEntry(tree, path, read)),
    ...Array.from(wanted.sources, (path) => readSourceEntry(tree, path, wanted.hashMagicNumbers)),
    ...(searched?.found ?? []).map(readIfAllowed),
  ];
  return { entries: entries.filter((entry) => entry !== undefined), unreadable };
}

/** A file that the search found: read in depth, or only looked at. */
function readFound(
  tree: Buildroot,
  { path: staged, type }: Found,
  wanted: Wanted,
  read: PycReader,
): PayloadEntry | undefined {
  const path = toPayload(tree, staged);
  const isKnown = wanted.pycs.has(path) || wanted.sources.has(path);
  if (type === 'directory' || isKnown || !isWanted(path, wanted)) return undefined;
  const pyc = wanted.inDepth === true && !path.endsWith('.py') ? read(staged) : undefined;
  if (pyc !== undefined) return { ...entryOf(tree, path, pyc.stat), ...pyc.content };
  const stat = lstatIfAny(staged);
  if (stat === undefined || wanted.inDepth !== true || !path.endsWith('.py')) return stat && entryOf(tree, path, stat);
  const isPlain = stat.kind === 'file' && wanted.hashMagicNumbers.length === 0;
  return (isPlain ? undefined : readSourceEntry(tree, path, wanted.hashMagicNumbers)) ?? entryOf(tree, path, stat);
}

function entryOf(tree: Buildroot, path: PayloadPath, stat: FileStat): PayloadEntry {
  return {
    path,
    container: tree.path,
    inode: stat.identity,
    isGhost: false,
    ...(stat.kind === 'symlink' ? { isSymlink: true } : {}),
    sizeBytes: stat.sizeBytes,
    mode: stat.mode,
    owner: `${stat.userId}:${stat.groupId}`,
    mtimeSeconds: wholeSeconds(stat.modifiedNs),
  };
}

/** Reads what the bytes of a pyc say; undefined if it is no regular file. */
type PycReader = (path: StagedPath) => { readonly stat: FileStat; readonly content: PycContent } | undefined;

/** Reads each file once, whatever its names. */
function pycReader(inDepth: boolean): PycReader {
  const known = new Map<FileIdentity, PycContent>();
  const arena = new Arena();
  return (path) =>
    withRegular(path, (descriptor, stat) => {
      const earlier = stat.links > 1 ? known.get(stat.identity) : undefined;
      if (earlier !== undefined) return { stat, content: earlier };
      const content = pycContentOf(readAll(descriptor, arena.take(stat.sizeBytes)), inDepth);
      arena.clear();
      if (stat.links > 1) known.set(stat.identity, content);
      return { stat, content };
    });
}

function readPycEntry(tree: Buildroot, path: PayloadPath, read: PycReader): PayloadEntry | undefined {
  const place = isInside(tree, path) ? resolveParent(tree, toStaged(tree, path)) : undefined;
  if (place?.kind !== 'inside') return undefined;
  const pyc = read(place.path);
  if (pyc !== undefined) return { ...entryOf(tree, path, pyc.stat), ...pyc.content };
  const stat = lstatIfAny(place.path);
  return stat?.kind === 'symlink' ? entryOf(tree, path, stat) : undefined;
}

function readSourceEntry(
  tree: Buildroot,
  path: PayloadPath,
  magicNumbers: readonly number[],
): PayloadEntry | undefined {
  const place = isInside(tree, path) ? resolveInBuildroot(tree, toStaged(tree, path)) : undefined;
  const stat = place?.kind === 'inside' ? lstatIfAny(place.path) : undefined;
  if (place?.kind !== 'inside' || stat?.kind !== 'file') return undefined;
  const content = magicNumbers.length > 0 ? readFileSync(place.path) : undefined;
  return {
    ...entryOf(tree, path, stat),
    ...(content && { sourceHashes: sourceHashesOf(content, magicNumbers) }),
  };
}
