import { type BigIntStats, fstatSync, lstatSync, statfsSync, statSync } from 'node:fs';
import { errnoOf } from '../errors.ts';

/**
 * Says which file a name leads to: equal for the names of one file, different for any two files that exist at the same
 * time. Inode numbers may be larger than 2^53 (overlays with `xino=on`, Lustre, network file systems), where a JavaScript
 * number would round those of neighbours to one value.
 */
export type FileIdentity = string & { readonly __file: 'identity' };

/** The metadata of a file, exact to the nanosecond and to the last bit of its inode number. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  readonly identity: FileIdentity;
  /** Permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  /** How many names the file has. */
  readonly links: number;
  readonly sizeBytes: number;
  readonly accessedNs: bigint;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
}

/**
 * Whether both are one file, unchanged from one look to the other. The identity alone does not tell: a new file may get
 * that of a deleted one, and a file may be written to. Not if one is gone.
 */
export function isSameVersion(a: Version | undefined, b: Version): boolean {
  if (a === undefined) return false;
  return a.identity === b.identity && a.sizeBytes === b.sizeBytes && a.modifiedNs === b.modifiedNs;
}

type Version = Pick<FileStat, 'identity' | 'sizeBytes' | 'modifiedNs'>;

/** Equal for files of one file system. The names of one directory of an overlay may have different ones. */
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
  try {
    const stats = look();
    return stats && factsOf(stats);
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Whether there is no such name. False if the system does not let that be found out. */
export function isGone(path: string): boolean {
  try {
    return lstatIfAny(path) === undefined;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
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

/** A time in seconds, as close as a double comes: what Python calls `st_mtime`, and what Node takes for a time. */
export function secondsOf(timeNs: bigint): number {
  const fraction = ((timeNs % nsPerSecond) + nsPerSecond) % nsPerSecond;
  return Number((timeNs - fraction) / nsPerSecond) + 1e-9 * Number(fraction);
}

const nsPerSecond = 1_000_000_000n;

/**
 * A time in whole seconds, as Python's compiler and its import system read it: they drop the fraction of a double. So
 * the last 119 nanoseconds of a second belong to the next one for them.
 * @see CPython's `os.stat_result.st_mtime` and `importlib._bootstrap_external`
 */
export function wholeSeconds(timeNs: bigint): number {
  // Plus zero: there is no negative zero in a header.
  return Math.trunc(secondsOf(timeNs)) + 0;
}
