import { type Dirent, readdirSync } from 'node:fs';
import { globbySync } from 'globby';
import { byCodeUnit, childOf, contains, parentOf, type StagedPath } from '../files/path.ts';
import { lstat, lstatIfAny } from '../files/stat.ts';

/** A file that was found. Symlinks are not followed. */
export interface Found {
  readonly path: StagedPath;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
}

export interface Walk {
  /** Sorted by path. */
  readonly found: readonly Found[];
  /** Matching names that are not UTF-8, with `\xNN` for each such byte. */
  readonly notUtf8: readonly string[];
  /** Directories that could not be listed, with the error. */
  readonly unreadable: readonly { readonly directory: string; readonly error: unknown }[];
}

/** What a walk leaves out. */
export interface WalkLimits {
  /** Directories of other file systems. */
  readonly staysOnFileSystem?: boolean;
  /** These directories. */
  readonly without?: readonly string[];
}

/**
 * Finds everything below a directory whose name matches one of the patterns, which have no slash. Hidden directories
 * are searched, symlinked ones are not.
 */
export function walk(directory: StagedPath, patterns: readonly string[], limits: WalkLimits = {}): Walk {
  const isLeftOut = leftOut(directory, limits);
  const unreadable: { directory: string; error: unknown }[] = [];
  const list = (path: string, options?: { withFileTypes?: boolean }) => {
    try {
      const entries = readdirSync(toBytes(directory + path.replace(/^\/$/, '')), {
        withFileTypes: true,
        encoding: 'buffer',
      });
      const named = entries.filter((entry) => !isLeftOut(path, entry)).map(asGlobSeesIt);
      return options?.withFileTypes === true ? named : named.map((entry) => entry.name);
    } catch (error) {
      unreadable.push({ directory: shown(directory + path.replace(/^\/$/, '')), error });
      return [];
    }
  };
  const entries = globbySync([...patterns], {
    // globby turns backslashes in paths into slashes, so it must not see the path of the directory.
    cwd: '/',
    fs: { readdirSync: list as typeof readdirSync },
    baseNameMatch: true,
    dot: true,
    expandDirectories: false,
    followSymbolicLinks: false,
    objectMode: true,
    // No path can come twice. To make sure of it, fast-glob would keep all of them in memory.
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
      .map((entry) => shown(childOf(directory, entry.path)))
      .sort(byCodeUnit),
    unreadable,
  };
}

/** Tells whether an entry of a directory is a directory to leave out. The path is below `top`, as the glob sees it. */
function leftOut(top: StagedPath, { staysOnFileSystem = false, without = [] }: WalkLimits) {
  if (!staysOnFileSystem && without.length === 0) return () => false;
  const { fileSystem } = lstat(top);
  return (path: string, entry: Dirent<Buffer>) => {
    if (!entry.isDirectory()) return false;
    const whole = Buffer.concat([toBytes(childOf(top, path.replace(/^\//, ''))), slash, entry.name]);
    if (without.includes(whole.toString().replace(/\/+/g, '/'))) return true;
    return staysOnFileSystem && lstatIfAny(whole)?.fileSystem !== fileSystem;
  };
}

/** Whether a walk through a directory would come to a path in it. @throws the system's error */
export function isReached(top: StagedPath, path: StagedPath, limits: WalkLimits): boolean {
  const { staysOnFileSystem = false, without = [] } = limits;
  if (without.some((left) => left !== top && contains(top, left) && contains(left, path))) return false;
  return !staysOnFileSystem || path === top || lstat(parentOf(path)).fileSystem === lstat(top).fileSystem;
}

const slash = Buffer.from('/');

/*
 * Names are bytes; globs match text, read a backslash as a slash, and have a `.` that matches no line end. So each byte
 * that is not UTF-8, and each of those characters, passes through the glob as a lone low surrogate, which no valid name
 * has: U+DC00 + byte, and U+DD28 and U+DD29 for U+2028 and U+2029.
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
