import { type Dirent, readdirSync } from 'node:fs';
import { globbySync } from 'globby';
import { ifPossible } from '../files/if-possible.ts';
import { byCodeUnit, childOf, contains, parentOf, type StagedPath } from '../files/path.ts';
import { kindsSeenFrom } from './file-system-kind.ts';

/** A file that was found. Symlinks are not followed. */
export interface Found {
  readonly path: StagedPath;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
}

/** A path that is not UTF-8. */
interface NotUtf8 {
  /** The path with `\xNN` for each byte that is not ASCII. */
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
 * Finds everything below a directory whose name matches one of the patterns, which contain no slash. Searches hidden
 * directories, but not symlinked ones.
 * @param onSymlink called for every symlink, whatever its name, unless the name is not UTF-8
 */
export function walk(
  directory: StagedPath,
  patterns: readonly string[],
  limits: WalkLimits = {},
  onSymlink?: (path: StagedPath) => void,
): Walk {
  const otherFileSystems: StagedPath[] = [];
  const isLeftOut = leftOut(directory, limits, (path) => otherFileSystems.push(path));
  const unreadable: { directory: string; error: unknown }[] = [];
  const list = (path: string, options?: { withFileTypes?: boolean }) => {
    const listed = path === '/' ? directory : childOf(directory, path.replace(/^\/+/, ''));
    try {
      const entries = readdirSync(toBytes(listed), { withFileTypes: true, encoding: 'buffer' });
      const named = entries.filter((entry) => !isLeftOut(path, entry)).map(asGlobSeesIt);
      if (onSymlink !== undefined) {
        for (const { name } of named.filter(
          (entry) => entry.isSymbolicLink() && !undecodable.test(path + entry.name),
        )) {
          onSymlink(childOf(directory, restored(`${path}/${name}`.replace(/^\/+/, ''))));
        }
      }
      return options?.withFileTypes === true ? named : named.map((entry) => entry.name);
    } catch (error) {
      unreadable.push({ directory: shown(listed), error });
      return [];
    }
  };
  const entries = globbySync([...patterns], {
    // globby turns backslashes in paths into slashes, so it must not see the directory's path.
    cwd: '/',
    fs: { readdirSync: list as typeof readdirSync },
    baseNameMatch: true,
    dot: true,
    expandDirectories: false,
    followSymbolicLinks: false,
    objectMode: true,
    // No path can occur twice. Otherwise fast-glob would keep all of them in memory to check.
    unique: false,
    onlyFiles: false,
  });
  const usable = entries.filter((entry) => !undecodable.test(entry.path));
  return {
    found: usable
      .map((entry) => ({ path: childOf(directory, restored(entry.path)), type: typeOf(entry.dirent) }))
      .sort((a, b) => byCodeUnit(a.path, b.path)),
    notUtf8: entries
      .filter((entry) => undecodable.test(entry.path))
      .map((entry) => childOf(directory, entry.path))
      .map((path) => ({ shown: shown(path), bytes: toBytes(path) }))
      .sort((a, b) => byCodeUnit(a.shown, b.shown)),
    unreadable,
    otherFileSystems: otherFileSystems.sort(byCodeUnit),
  };
}

/**
 * Returns a function that says whether to leave out a directory. It gets the path below `top`, as the glob sees it.
 * @param onOther called for each directory that is left out because of its file system, unless that is the kernel's
 */
function leftOut(
  top: StagedPath,
  { otherFileSystems, without = [] }: WalkLimits,
  onOther: (path: StagedPath) => void,
): (path: string, entry: Dirent<Buffer>) => boolean {
  if (otherFileSystems === undefined && without.length === 0) return () => false;
  const kindOf = otherFileSystems && kindsSeenFrom(top);
  return (path, entry) => {
    if (!entry.isDirectory()) return false;
    const whole = Buffer.concat([toBytes(childOf(top, path.replace(/^\//, ''))), slash, entry.name]);
    const shownPath = whole.toString().replace(/\/+/g, '/') as StagedPath;
    if (without.includes(shownPath)) return true;
    // One that cannot be examined is not left out: listing it will report the error.
    const kind = ifPossible(() => kindOf?.(whole));
    if (kind === 'kernel') return true;
    if (kind !== 'other' || otherFileSystems !== 'all') return false;
    onOther(shownPath);
    return true;
  };
}

/** Whether a walk from a directory reaches a path in it. @throws the system's error */
export function isReached(top: StagedPath, path: StagedPath, { otherFileSystems, without = [] }: WalkLimits): boolean {
  if (without.some((left) => left !== top && contains(top, left) && contains(left, path))) return false;
  if (otherFileSystems === undefined || path === top) return true;
  const kind = kindsSeenFrom(top)(parentOf(path));
  return kind === 'same' || (kind === 'other' && otherFileSystems !== 'all');
}

const slash = Buffer.from('/');

/**
 * File names are bytes. But globs match text, read a backslash as a slash, and their `.` does not match line ends. So
 * each byte that is not UTF-8, and each of those characters, passes through the glob as a lone low surrogate, which no
 * valid name contains: U+DC00 + byte, and U+DD28 and U+DD29 for U+2028 and U+2029.
 */
const undecodable = /[\uDC80-\uDCFF]/u;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function asGlobSeesIt(entry: Dirent<Buffer>): Dirent {
  return Object.assign(entry as Dirent<Buffer | string>, { name: escaped(entry.name) }) as Dirent;
}

function escaped(name: Buffer): string {
  const ascii = name.toString('latin1');
  if (/^[ -[\]-~]*$/.test(ascii)) return ascii;
  try {
    return utf8
      .decode(name)
      .replace(/[\0-\x1f\\\x7f]/g, (char) => surrogate(char.charCodeAt(0)))
      .replace(/[\u2028\u2029]/g, (char) => (char === '\u2028' ? '\uDD28' : '\uDD29'));
  } catch {
    const isPlain = (byte: number) => byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    return Array.from(name, (byte) => (isPlain(byte) ? String.fromCharCode(byte) : surrogate(byte))).join('');
  }
}

function surrogate(byte: number): string {
  return String.fromCharCode(0xdc00 + byte);
}

function byteOf(char: string): number {
  return char.charCodeAt(0) - 0xdc00;
}

function restored(path: string): string {
  if (!/[\uDC00-\uDD29]/u.test(path)) return path;
  return path
    .replace(/[\uDC00-\uDC7F]/gu, (char) => String.fromCharCode(byteOf(char)))
    .replace(/[\uDD28\uDD29]/gu, (char) => (char === '\uDD28' ? '\u2028' : '\u2029'));
}

function toBytes(path: string): Buffer {
  const pieces = restored(path).split(/([\uDC80-\uDCFF])/u);
  return Buffer.concat(pieces.map((piece, i) => (i % 2 === 1 ? Buffer.from([byteOf(piece)]) : Buffer.from(piece))));
}

function shown(path: string): string {
  return restored(path).replace(/[\uDC80-\uDCFF]/gu, (char) => `\\x${byteOf(char).toString(16)}`);
}

function typeOf(entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): Found['type'] {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'symlink' : 'other';
}
