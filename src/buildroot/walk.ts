import { isUtf8 } from 'node:buffer';
import { type Dirent, readdirSync, statfsSync } from 'node:fs';
import { ifPossible, ifRefused } from '../files/if-possible.ts';
import { byCodeUnit, childOf, contains, parentOf, type StagedPath } from '../files/path.ts';
import { fileSystemOf, lstat } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';

/** A file that was found. Symlinks are not followed. */
export interface Found {
  readonly path: StagedPath;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
}

/** A path that is not UTF-8. */
interface NotUtf8 {
  /** The path, with `\xNN` for each byte that is not ASCII in a name that is not UTF-8. */
  readonly shown: string;
  readonly bytes: Buffer;
}

export interface Walk {
  /** Sorted by path. */
  readonly found: readonly Found[];
  /** Matching names that are not UTF-8, sorted by their escaped form. */
  readonly notUtf8: readonly NotUtf8[];
  /** Directories that could not be listed, with the error. */
  readonly unreadable: readonly { readonly directory: string; readonly error: unknown }[];
  /** Directories left out because they are on other file systems that are not the kernel's. Sorted. */
  readonly otherFileSystems: readonly StagedPath[];
}

/** What a walk leaves out. */
export interface WalkLimits {
  /** Directories on other file systems than the top: all of them, or only the kernel's, such as proc. */
  readonly otherFileSystems?: 'all' | "the kernel's";
  /** These directories. */
  readonly without?: readonly string[];
}

/**
 * Finds everything below a directory whose name matches. Searches hidden directories, but not symlinked ones.
 * @param names matches names; those that are not UTF-8 in their escaped form
 * @param onSymlink called for every symlink, whatever its name, unless the path is not UTF-8
 */
export function walk(
  top: StagedPath,
  names: RegExp,
  limits: WalkLimits = {},
  onSymlink?: (path: StagedPath) => void,
): Walk {
  const found: Found[] = [];
  const notUtf8: NotUtf8[] = [];
  const unreadable: { directory: string; error: unknown }[] = [];
  const otherFileSystems: StagedPath[] = [];
  const isLeftOut = leftOut(top, limits, (path) => otherFileSystems.push(path));
  /** @param bytes the path, if it is not UTF-8 */
  const visit = (directory: StagedPath, bytes?: Buffer): void => {
    const list = () => readdirSync(bytes ?? directory, { withFileTypes: true, encoding: 'buffer' });
    const report = (error: unknown) => {
      unreadable.push({ directory, error });
      return [];
    };
    for (const entry of ifRefused(list, report)) {
      const isText = isUtf8(entry.name);
      const name = isText ? entry.name.toString() : escaped(entry.name);
      const path = childOf(directory, name);
      const pathBytes =
        isText && bytes === undefined ? undefined : Buffer.concat([bytes ?? Buffer.from(directory), slash, entry.name]);
      const type = typeOf(entry);
      if (type === 'symlink' && pathBytes === undefined) onSymlink?.(path);
      if (type === 'directory' && isLeftOut(path, pathBytes)) continue;
      if (names.test(name)) {
        if (pathBytes === undefined) found.push({ path, type });
        else notUtf8.push({ shown: path, bytes: pathBytes });
      }
      if (type === 'directory') visit(path, pathBytes);
    }
  };
  visit(top);
  return {
    found: found.sort((a, b) => byCodeUnit(a.path, b.path)),
    notUtf8: notUtf8.sort((a, b) => byCodeUnit(a.shown, b.shown)),
    unreadable,
    otherFileSystems: otherFileSystems.sort(byCodeUnit),
  };
}

const slash = Buffer.from('/');

function escaped(name: Buffer): string {
  return Array.from(name, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`)).join('');
}

function typeOf(entry: Dirent<Buffer>): Found['type'] {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'symlink' : 'other';
}

/**
 * Returns a function that says whether to leave out a directory. Its second argument is the path if it is not UTF-8.
 * @param onOther called for each directory that is left out because of its file system, unless that is the kernel's
 */
function leftOut(
  top: StagedPath,
  { otherFileSystems, without = [] }: WalkLimits,
  onOther: (path: StagedPath) => void,
): (directory: StagedPath, bytes: Buffer | undefined) => boolean {
  const kindOf = otherFileSystems && kindsSeenFrom(top);
  return (directory, bytes) => {
    if (without.includes(directory)) return true;
    // One that cannot be examined is not left out: listing it will report the error.
    const kind = ifPossible(() => kindOf?.(bytes ?? directory));
    if (kind === 'kernel') return true;
    if (kind !== 'other' || otherFileSystems !== 'all') return false;
    onOther(directory);
    return true;
  };
}

/**
 * File systems that present kernel data, by their magic numbers. devtmpfs has the same number as tmpfs.
 * @see statfs(2), linux/magic.h
 */
const kernelTypes: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x0027e0eb, // cgroup
  0x63677270, // cgroup2
  0x00001cd1, // devpts
  0x19800202, // mqueue
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0x62656570, // configfs
  0xcafe4a11, // bpf
  0x67596969, // rpc_pipefs
  0x65735543, // fusectl
  0xf97cff8c, // selinuxfs
]);

/** Returns a function that compares file systems of directories with that of `top`. @throws the system's error */
function kindsSeenFrom(top: string) {
  const kinds = new Map<string, 'same' | 'kernel' | 'other'>([[fileSystemOf(lstat(top)), 'same']]);
  return (directory: string | Buffer) => {
    const fileSystem = fileSystemOf(lstat(directory));
    return getOrAdd(kinds, fileSystem, () => (kernelTypes.has(statfsSync(directory).type) ? 'kernel' : 'other'));
  };
}

/** Whether a walk from a directory reaches a path in it. @throws the system's error */
export function isReached(top: StagedPath, path: StagedPath, { otherFileSystems, without = [] }: WalkLimits): boolean {
  if (without.some((left) => left !== top && contains(top, left) && contains(left, path))) return false;
  if (otherFileSystems === undefined || path === top) return true;
  const kind = kindsSeenFrom(top)(parentOf(path));
  return kind === 'same' || (kind === 'other' && otherFileSystems !== 'all');
}
