import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { copyAttributes } from './attributes.ts';
import { withDirectory } from './directory.ts';
import { ifErrno, ifPossible } from './if-possible.ts';
import { temporaryName } from './leftovers.ts';
import { nameOf, parentOf } from './path.ts';
import { type FileStat, fstat, lstatIfAny } from './stat.ts';

/**
 * Creates a new file next to the old one and renames it over the old one, so that readers see either the old or the new
 * file. Holds the directory open, so nothing is written anywhere else.
 * @param path absolute, without symlinks above the file
 * @param make creates the new file under the given name; returns false if it did not
 * @param isStillRight called right before the rename with the new and the old file; if false, nothing changes
 * @param mayBeLinked whether both names may be one file: rename(2) then does nothing, and the new name has to be
 *   removed
 * @returns the result of `make`; false if the file was not replaced
 * @throws what `make` and the rename throw, after removing the temporary file
 */
export function replaceFile<T>(
  path: string,
  make: (temporary: string) => T | false,
  isStillRight: (temporary: string, old: string) => boolean = () => true,
  mayBeLinked = false,
): T | false {
  return withDirectory(parentOf(path), (held) => {
    const [old, temporary] = [`${held}/${nameOf(path)}`, `${held}/${temporaryName()}`];
    let isOver = false;
    try {
      const made = make(temporary);
      if (made === false || !isStillRight(temporary, old)) return false;
      renameSync(temporary, old);
      isOver = !mayBeLinked;
      return made;
    } finally {
      if (!isOver && existsSync(temporary)) unlinkSync(temporary);
    }
  });
}

/** What a file keeps when its content is replaced, besides owner, ACL and extended attributes. */
export interface Attributes {
  /** Permission bits to keep. Bits that the old file lacks are not added. */
  readonly mode: number;
  readonly accessedSeconds: number;
  readonly modifiedSeconds: number;
}

/**
 * Replaces whatever has this name with a file of this content.
 * @param pieces written one after the other
 * @param mode permission bits before the umask is applied
 * @returns the new file
 * @throws the system's error
 */
export function replaceByContent(path: string, pieces: Iterable<string | Uint8Array>, mode: number): FileStat {
  return replaceFile(path, (temporary) => writeNew(temporary, pieces, mode)) as FileStat;
}

/**
 * Replaces the content of a file. Keeps its mode, and its owner if the system allows it.
 * @param path absolute, without symlinks above the file; created if it does not exist
 * @param pieces written one after the other
 * @throws the system's error
 */
export function replaceContent(path: string, pieces: Iterable<string | Uint8Array>): void {
  replaceFile(path, (temporary) => {
    const old = lstatIfAny(`${parentOf(temporary)}/${nameOf(path)}`);
    writeNew(temporary, pieces, old === undefined ? 0o666 : 0o600, (descriptor) => {
      if (old === undefined) return;
      const { userId, groupId } = fstat(descriptor);
      // Under fakeroot, chown(2) would record an owner that the file does not have there.
      const isOfOther = userId !== old.userId || groupId !== old.groupId;
      if (isOfOther) ifPossible(() => fchownSync(descriptor, old.userId, old.groupId));
      fchmodSync(descriptor, old.mode);
    });
  });
}

/**
 * Replaces a file with a new one that has this content and these attributes.
 * @param isStill whether a name still is the file to replace
 * @returns the new file, or undefined if the old one no longer exists
 * @throws the system's error
 */
export function rewriteFile(
  path: string,
  content: Uint8Array,
  attributes: Attributes,
  isStill: (name: string) => boolean,
): FileStat | undefined {
  const make = (temporary: string) =>
    writeVersion(temporary, content, attributes, `${parentOf(temporary)}/${nameOf(path)}`);
  return replaceFile(path, make, (_, old) => isStill(old)) || undefined;
}

/** @param mode permission bits before the umask is applied */
function writeNew(name: string, pieces: Iterable<string | Uint8Array>, mode: number, finish?: Finish): FileStat {
  const descriptor = openSync(name, 'wx', mode);
  try {
    for (const piece of pieces) writeFileSync(descriptor, piece);
    finish?.(descriptor);
    return fstat(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Finishes a new file before it is closed. */
type Finish = (descriptor: number) => void;

/**
 * Writes a new version of a file under a free name, with the old file's owner, ACL and extended attributes, and these
 * attributes. At no moment can more users read it than the old file.
 * @param old the file
 * @throws the system's error
 */
export function writeVersion(name: string, content: Uint8Array, attributes: Attributes, old: string): FileStat {
  const { mode, accessedSeconds, modifiedSeconds } = attributes;
  return writeNew(name, [content], 0o600, (descriptor) => {
    // An open file cannot be exchanged. Without /proc only the name is available.
    copyAttributes(old, name.startsWith('/proc/self/') ? `/proc/self/fd/${descriptor}` : name, mode);
    futimesSync(descriptor, accessedSeconds, modifiedSeconds);
  });
}

/** Removes a file. Does nothing if there is none. @throws the system's error */
export function unlinkIfAny(path: string): void {
  ifErrno('ENOENT', () => unlinkSync(path));
}

/**
 * Removes a file.
 * @param isRight asked about it: if not, it stays
 * @returns whether it was removed
 * @throws the system's error
 */
export function removeFile(path: string, isRight: (name: string) => boolean): boolean {
  return withDirectory(parentOf(path), (held) => {
    const name = `${held}/${nameOf(path)}`;
    if (!isRight(name)) return false;
    unlinkSync(name);
    return true;
  });
}
