import { lstatSync, readFileSync, type Stats } from 'node:fs';
import { type Buildroot, toPayload, toStaged } from '../buildroot/path.ts';
import { resolveInBuildroot, resolveParent } from '../buildroot/resolve.ts';
import { walkLimits } from '../buildroot/running-system.ts';
import { mtimeSecondsOf } from '../buildroot/source.ts';
import { walk } from '../buildroot/walk.ts';
import { lstatIfAny } from '../files/lstat.ts';
import type { PayloadPath } from '../files/path.ts';
import { readPyc } from '../links/fingerprint.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import { isWanted, type PayloadEntry, type Wanted } from './entry.ts';
import { pycContentOf } from './pyc-content.ts';

/** Reads a directory that holds a payload: a buildroot, or the root of an installed system. */
export function readTree(tree: Buildroot, wanted: Wanted): PayloadEntry[] {
  return [
    ...Array.from(wanted.pycs, (path) => readPycEntry(tree, path)),
    ...Array.from(wanted.sources, (path) => readSourceEntry(tree, path, wanted.hashMagicNumbers)),
    ...(wanted.others === true ? readOthers(tree, wanted) : []),
    ...(wanted.inDepth === true ? readAll(tree, wanted) : []),
  ].filter((entry) => entry !== undefined);
}

function readOthers(tree: Buildroot, wanted: Wanted): PayloadEntry[] {
  return walk(tree.path, ['*.py', '*.pyc'], walkLimits(tree))
    .found.map(({ path, type }) => ({ staged: path, path: toPayload(tree, path), type }))
    .filter(({ path, type }) => type !== 'directory' && isWanted(path, wanted))
    .filter(({ path }) => !wanted.pycs.has(path) && !wanted.sources.has(path))
    .map(({ staged, path }) => entryOf(tree, path, lstatSync(staged)));
}

function readAll(tree: Buildroot, wanted: Wanted): (PayloadEntry | undefined)[] {
  return walk(tree.path, ['*.py', '*.pyc', '*.pyo'], walkLimits(tree))
    .found.filter(({ type }) => type !== 'directory')
    .map(({ path }) => {
      const payload = toPayload(tree, path);
      if (!payload.endsWith('.py')) return readPycEntry(tree, payload, true);
      const stat = lstatIfAny(path);
      return readSourceEntry(tree, payload, wanted.hashMagicNumbers) ?? (stat && entryOf(tree, payload, stat));
    });
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
