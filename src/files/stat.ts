import { type BigIntStats, fstatSync, lstatSync, statfsSync, statSync } from 'node:fs';
import { ifErrno, ifRefused } from './if-possible.ts';

/**
 * Identifies a file: equal for all names of one file, different for any two files that exist at the same time. Inode
 * numbers may exceed 2^53 (overlays with `xino=on`, Lustre, network file systems); a JavaScript number would round
 * neighbours to the same value.
 */
export type FileIdentity = string & { readonly __file: 'identity' };

/** The metadata of a file, with exact nanoseconds and inode number. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  readonly identity: FileIdentity;
  /** Permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  /** The number of hard links. */
  readonly links: number;
  readonly sizeBytes: number;
  readonly accessedNs: bigint;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
}

/**
 * Whether both are the same file, unchanged between the two calls; false if one is missing. The identity alone is not
 * enough: a new file may reuse the inode of a deleted one, and a file may be written to.
 */
export function isSameVersion(a: Version | undefined, b: Version): boolean {
  if (a === undefined) return false;
  return a.identity === b.identity && a.sizeBytes === b.sizeBytes && a.modifiedNs === b.modifiedNs;
}

type Version = Pick<FileStat, 'identity' | 'sizeBytes' | 'modifiedNs'>;

/** Equal for files of one file system. Names in one directory of an overlay may differ. */
export function fileSystemOf({ identity }: Pick<FileStat, 'identity'>): string {
  return identity.slice(0, identity.indexOf(':'));
}

/** The metadata of a name; a symlink is not followed. @throws the system's error */
export function lstat(path: string | Buffer): FileStat {
  return factsOf(lstatSync(path, exact));
}

/**
 * The metadata of a name, without following a symlink; undefined if it does not exist (ENOENT, ENOTDIR).
 * @throws the system's error for any other reason
 */
export function lstatIfAny(path: string | Buffer): FileStat | undefined {
  return ifAny(() => lstatSync(path, exactIfAny));
}

/** Node.js 20 throws ENOTDIR where later releases find nothing. */
function ifAny(look: () => BigIntStats | undefined): FileStat | undefined {
  const stats = ifErrno('ENOTDIR', look);
  return stats && factsOf(stats);
}

/** Whether a name does not exist. False if the system does not tell. */
export function isGone(path: string): boolean {
  return ifRefused(
    () => lstatIfAny(path) === undefined,
    () => false,
  );
}

/** The metadata of the file that a path leads to. @throws the system's error */
export function stat(path: string): FileStat {
  return factsOf(statSync(path, exact));
}

/**
 * The metadata of the file that a path leads to; undefined if there is none (ENOENT, ENOTDIR).
 * @throws the system's error for any other reason
 */
export function statIfAny(path: string): FileStat | undefined {
  return ifAny(() => statSync(path, exactIfAny));
}

/** The metadata of an open file. @throws the system's error */
export function fstat(descriptor: number): FileStat {
  return factsOf(fstatSync(descriptor, exact));
}

/**
 * Whether the names of one file may have different identities: FUSE file systems such as unionfs-fuse and sshfs number
 * names, not files.
 * @throws the system's error
 * @see statfs(2)
 */
export function mayNumberNames(path: string): boolean {
  return statfsSync(path).type === fuseType;
}

const fuseType = 0x65735546;

const exact = { bigint: true } as const;
const exactIfAny = { bigint: true, throwIfNoEntry: false } as const;

const typeBits = 0o170000;
const kinds: ReadonlyMap<number, FileStat['kind']> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
]);

function factsOf(stats: BigIntStats): FileStat {
  const mode = Number(stats.mode);
  return {
    kind: kinds.get(mode & typeBits) ?? 'other',
    identity: `${stats.dev}:${stats.ino}` as FileIdentity,
    mode: mode & 0o7777,
    userId: Number(stats.uid),
    groupId: Number(stats.gid),
    links: Number(stats.nlink),
    sizeBytes: Number(stats.size),
    accessedNs: stats.atimeNs,
    modifiedNs: stats.mtimeNs,
    changedNs: stats.ctimeNs,
  };
}

/** A time in seconds as the nearest double: Python's `st_mtime`, and what Node.js takes as a time. */
export function secondsOf(timeNs: bigint): number {
  const fraction = ((timeNs % nsPerSecond) + nsPerSecond) % nsPerSecond;
  return Number((timeNs - fraction) / nsPerSecond) + 1e-9 * Number(fraction);
}

const nsPerSecond = 1_000_000_000n;

/**
 * A time in whole seconds, as Python's compiler and import system compute it: they truncate a double. So the last 119
 * nanoseconds of a second count as the next second.
 * @see CPython's `os.stat_result.st_mtime` and `importlib._bootstrap_external`
 */
export function wholeSeconds(timeNs: bigint): number {
  // Adding zero avoids a negative zero.
  return Math.trunc(secondsOf(timeNs)) + 0;
}
