import { readFileSync, type Stats } from 'node:fs';
import { type Buildroot, toPayload, toStaged } from '../buildroot/path.ts';
import { resolveInBuildroot, resolveParent } from '../buildroot/resolve.ts';
import { walkLimits } from '../buildroot/running-system.ts';
import { mtimeSecondsOf } from '../buildroot/source.ts';
import { type Found, type Walk, walk } from '../buildroot/walk.ts';
import { lstatIfAny } from '../files/lstat.ts';
import type { PayloadPath } from '../files/path.ts';
import { readPyc } from '../links/fingerprint.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import { isWanted, type PayloadEntry, type Wanted } from './entry.ts';
import { pycContentOf } from './pyc-content.ts';

/** What a directory holds. */
export interface TreeContent {
  readonly entries: readonly PayloadEntry[];
  /** Directories that could not be listed, with the error. */
  readonly unreadable: Walk['unreadable'];
}

/** Reads a directory that holds a payload: a buildroot, or the root of an installed system. */
export function readTree(tree: Buildroot, wanted: Wanted): TreeContent {
  const isSearched = wanted.others === true || wanted.inDepth === true;
  const { found, unreadable } = isSearched
    ? walk(tree.path, ['*.py', '*.pyc', '*.pyo'], walkLimits(tree))
    : { found: [], unreadable: [] };
  const entries = [
    ...Array.from(wanted.pycs, (path) => readPycEntry(tree, path)),
    ...Array.from(wanted.sources, (path) => readSourceEntry(tree, path, wanted.hashMagicNumbers)),
    ...found.map((file) => readFound(tree, file, wanted)),
  ];
  return { entries: entries.filter((entry) => entry !== undefined), unreadable };
}

/** A file that the search found: read in depth, or only looked at. */
function readFound(tree: Buildroot, { path: staged, type }: Found, wanted: Wanted): PayloadEntry | undefined {
  const path = toPayload(tree, staged);
  const isKnown = wanted.pycs.has(path) || wanted.sources.has(path);
  if (type === 'directory' || isKnown || !isWanted(path, wanted)) return undefined;
  if (wanted.inDepth === true) {
    const read = path.endsWith('.py')
      ? readSourceEntry(tree, path, wanted.hashMagicNumbers)
      : readPycEntry(tree, path, true);
    if (read !== undefined) return read;
  }
  const stat = lstatIfAny(staged);
  return stat && entryOf(tree, path, stat);
}

function entryOf(tree: Buildroot, path: PayloadPath, stat: Stats): PayloadEntry {
  return {
    path,
    container: tree.path,
    inode: `${stat.dev}:${stat.ino}`,
    isGhost: false,
    ...(stat.isSymbolicLink() ? { isSymlink: true } : {}),
    sizeBytes: stat.size,
    mode: stat.mode & 0o7777,
    owner: `${stat.uid}:${stat.gid}`,
    mtimeSeconds: mtimeSecondsOf(stat),
  };
}

function readPycEntry(tree: Buildroot, path: PayloadPath, inDepth = false): PayloadEntry | undefined {
  const place = resolveParent(tree, toStaged(tree, path));
  const stat = place.kind === 'inside' ? lstatIfAny(place.path) : undefined;
  if (stat?.isSymbolicLink()) return entryOf(tree, path, stat);
  const pyc = place.kind === 'inside' ? readPyc(place.path) : undefined;
  if (pyc === undefined) return undefined;
  return {
    path,
    container: tree.path,
    inode: `${pyc.device}:${pyc.inode}`,
    isGhost: false,
    sizeBytes: pyc.sizeBytes,
    mode: pyc.mode,
    owner: `${pyc.userId}:${pyc.groupId}`,
    mtimeSeconds: mtimeSecondsOf({ mtimeMs: pyc.modifiedMs }),
    ...pycContentOf(pyc.content, inDepth),
  };
}

function readSourceEntry(
  tree: Buildroot,
  path: PayloadPath,
  magicNumbers: readonly number[],
): PayloadEntry | undefined {
  const place = resolveInBuildroot(tree, toStaged(tree, path));
  const stat = place.kind === 'inside' ? lstatIfAny(place.path) : undefined;
  if (place.kind !== 'inside' || !stat?.isFile()) return undefined;
  const content = magicNumbers.length > 0 ? readFileSync(place.path) : undefined;
  return {
    ...entryOf(tree, path, stat),
    ...(content && { sourceHashes: new Map(magicNumbers.map((number) => [number, sourceHash(number, content)])) }),
  };
}
