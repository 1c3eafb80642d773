import type { Borrowed } from '../files/arena.ts';
import { ifPossible } from '../files/if-possible.ts';
import type { StagedPath } from '../files/path.ts';
import { readContent, readRegular, withRegular } from '../files/read-regular.ts';
import { type FileStat, isSameVersion, lstatIfAny, mayNumberNames } from '../files/stat.ts';
import { groupByFile, type PycFile } from './group.ts';

/** A pyc with its bytes. */
export interface ReadPyc extends PycFile {
  readonly content: Borrowed;
}

/**
 * Reads a pyc. Undefined if there is no regular file of that name; does not follow symlinks.
 * @param take allocates the memory for its bytes
 */
export function readPyc(path: StagedPath, take?: (sizeBytes: number) => Buffer): ReadPyc | undefined {
  const file = readRegular(path, take);
  return file && readPycOf(path, file.stat, file.content);
}

/**
 * Reads pycs. A file with several of these names is read once, and the names share its bytes.
 * @param isWanted called for each content
 * @param take allocates the memory for the bytes
 * @returns undefined if one of them is not a regular file or not wanted
 */
export function readNames(
  paths: readonly StagedPath[],
  isWanted: (content: Buffer) => boolean,
  take: (sizeBytes: number) => Buffer,
): ReadPyc[] | undefined {
  const pycs: ReadPyc[] = [];
  for (const path of paths) {
    const pyc = withRegular(path, (descriptor, stat): ReadPyc | undefined => {
      const own = pycFile(path, stat);
      const read = pycs.find((other) => isSameVersion(own, other));
      if (read !== undefined) return Object.assign(own, { content: read.content });
      const content = readContent(descriptor, stat.sizeBytes, take);
      return isWanted(content) ? Object.assign(own, { content }) : undefined;
    });
    if (pyc === undefined) return undefined;
    pycs.push(pyc);
  }
  return pycs;
}

/** A pyc from its metadata and bytes. */
export function readPycOf(path: StagedPath, stat: FileStat, content: Buffer): ReadPyc {
  // Spreading would make V8 keep a new hidden class for each object in the old generation.
  return Object.assign(pycFile(path, stat), { content });
}

/** A pyc from its metadata. */
export function pycFile(path: StagedPath, stat: FileStat): PycFile {
  return {
    path,
    identity: stat.identity,
    mode: stat.mode,
    userId: stat.userId,
    groupId: stat.groupId,
    sizeBytes: stat.sizeBytes,
    modifiedNs: stat.modifiedNs,
  };
}

/** Whether a name still is the file that was read, as in `statIfStill`. @throws the system's error */
export function isStill(file: ReadPyc, name: string): boolean {
  return statIfStill(file, name) !== undefined;
}

/**
 * The metadata of a name that still is the file that was read, or one that cannot be told from it: file systems without
 * inode numbers may give a file another identity each time, and an overlay does so when it copies a file from a lower
 * layer.
 * @returns undefined if the name is another file now, or does not exist
 * @throws the system's error
 */
export function statIfStill(file: ReadPyc, name: string): FileStat | undefined {
  const stat = lstatIfAny(name);
  if (stat?.kind !== 'file') return undefined;
  const now = pycFile(file.path, stat);
  const isSame =
    isSameVersion(now, file) || (isAlike(now, file) && readRegular(name)?.content.equals(file.content) === true);
  return isSame ? stat : undefined;
}

/** Whether two files differ in nothing but, possibly, their identities and bytes. */
function isAlike(a: PycFile, b: PycFile): boolean {
  const isOfSameOwner = a.userId === b.userId && a.groupId === b.groupId;
  return isOfSameOwner && a.mode === b.mode && a.sizeBytes === b.sizeBytes && a.modifiedNs === b.modifiedNs;
}

/** Compares byte for byte. */
export function sameContent(a: ReadPyc, b: ReadPyc): boolean {
  return a.content.equals(b.content);
}

/** The names of each file, in the order given. */
export function namesOfFiles(pycs: readonly ReadPyc[]): (readonly ReadPyc[])[] {
  const left = new Set<readonly ReadPyc[]>(groupByFile(pycs));
  return Array.from(left, (group) => {
    left.delete(group);
    const [first] = group as readonly [ReadPyc];
    const links = ifPossible(() => lstatIfAny(first.path))?.links ?? 0;
    const hidden = links > group.length ? hiddenNames(first, left) : [];
    for (const other of hidden) left.delete(other);
    return [...group, ...hidden.flat()];
  });
}

/** Possible further names of a file, if the file system does not tell: files that differ only in their identities. */
function hiddenNames(file: ReadPyc, others: ReadonlySet<readonly ReadPyc[]>): (readonly ReadPyc[])[] {
  if (!mayNumberNames(file.path)) return [];
  return [...others].filter(([other]) => other && isAlike(file, other) && sameContent(file, other));
}
