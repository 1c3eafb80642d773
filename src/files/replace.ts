import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  linkSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { errnoOf } from '../errors.ts';
import { copyAttributes } from './attributes.ts';
import { withDirectory } from './directory.ts';
import { ifPossible } from './if-possible.ts';
import { temporaryName } from './leftovers.ts';
import { nameOf, parentOf } from './path.ts';
import { type FileStat, fstat, lstatIfAny } from './stat.ts';

/**
 * Makes a new file beside another and renames it over that one, so that readers see either the old file or the new one.
 * The directory is held meanwhile: nothing is written anywhere else.
 * @param path absolute, no symlink on the way
 * @param make creates the new file under the name it is given; returns false if it did not
 * @param isStillRight called right before the rename with the new and the old file; if false, nothing changes
 * @param mayBeLinked whether both may be one file: then a rename does nothing, and the new name has to be removed
 * @returns whether the file was replaced
 * @throws what `make` and the rename throw; the temporary file is gone then
 */
export function replaceFile(
  path: string,
  make: (temporary: string) => unknown,
  isStillRight: (temporary: string, old: string) => boolean = () => true,
  mayBeLinked = false,
): boolean {
  return withDirectory(parentOf(path), (held) => {
    const [old, temporary] = [`${held}/${nameOf(path)}`, `${held}/${temporaryName()}`];
    let isOver = false;
    try {
      if (make(temporary) === false || !isStillRight(temporary, old)) return false;
      renameSync(temporary, old);
      isOver = !mayBeLinked;
      return true;
    } finally {
      if (!isOver && existsSync(temporary)) unlinkSync(temporary);
    }
  });
}

/** What is kept of a file when its content is replaced, besides its owner, its ACL and its extended attributes. */
export interface Attributes {
  /** Permission bits; those that it has not are not given. */
  readonly mode: number;
  readonly accessedSeconds: number;
  readonly modifiedSeconds: number;
}

/**
 * Puts a file with this content in the place of what is there.
 * @param pieces written one after the other
 * @param mode permission bits, less the umask
 * @returns the new file
 * @throws the system's error
 */
export function replaceByContent(path: string, pieces: Iterable<string | Uint8Array>, mode: number): FileStat {
  let stat: FileStat | undefined;
  replaceFile(path, (temporary) => {
    stat = writeNew(temporary, pieces, mode);
  });
  return stat as FileStat;
}

/**
 * Gives a file another content: its mode stays, and its owner where the system allows that.
 * @param path absolute, no symlink on the way; without a file, one is made
 * @param pieces written one after the other
 * @throws the system's error
 */
export function replaceContent(path: string, pieces: Iterable<string>): void {
  replaceFile(path, (temporary) => {
    const old = lstatIfAny(`${parentOf(temporary)}/${nameOf(path)}`);
    writeNew(temporary, pieces, old === undefined ? 0o666 : 0o600, (descriptor) => {
      if (old === undefined) return;
      const { userId, groupId } = fstat(descriptor);
      // Under fakeroot, chown(2) would give it an owner that it has not there.
      const isOfOther = userId !== old.userId || groupId !== old.groupId;
      if (isOfOther) ifPossible(() => fchownSync(descriptor, old.userId, old.groupId));
      fchmodSync(descriptor, old.mode);
    });
  });
}

/**
 * Replaces a file by one with another content and these attributes.
 * @param isStill whether a name is still the file that is to be replaced
 * @returns the new file, or undefined if the old one was no longer there
 * @throws the system's error
 */
export function rewriteFile(
  path: string,
  content: Uint8Array,
  attributes: Attributes,
  isStill: (name: string) => boolean,
): FileStat | undefined {
  let stat: FileStat | undefined;
  const make = (temporary: string) => {
    stat = writeVersion(temporary, content, attributes, `${parentOf(temporary)}/${nameOf(path)}`);
  };
  return replaceFile(path, make, (_, old) => isStill(old)) ? stat : undefined;
}

/** @param mode permission bits, less the umask */
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

/** Does what is left to be done with a new file. */
type Finish = (descriptor: number) => void;

/**
 * Writes another version of a file, under a name that is free: with its owner, its ACL, its extended attributes and
 * these. At no moment more users may read it.
 * @param old the file
 * @throws the system's error
 */
export function writeVersion(name: string, content: Uint8Array, attributes: Attributes, old: string): FileStat {
  const { mode, accessedSeconds, modifiedSeconds } = attributes;
  return writeNew(name, [content], 0o600, (descriptor) => {
    // Nothing can take the place of an open file. Without /proc there is only its name.
    copyAttributes(old, name.startsWith('/proc/self/') ? `/proc/self/fd/${descriptor}` : name, mode);
    futimesSync(descriptor, accessedSeconds, modifiedSeconds);
  });
}

/**
 * Replaces a file by a link to another; the directory of that is held too.
 * @param isStillRight as for `replaceFile`
 * @returns whether the file was replaced; false also if the other is gone
 * @throws the system's error
 */
export function replaceByLink(
  path: string,
  target: string,
  isStillRight: (temporary: string, old: string) => boolean,
): boolean {
  const link = (temporary: string) => {
    const linkFrom = (held: string) => linkIfThere(`${held}/${nameOf(target)}`, temporary);
    return parentOf(target) === parentOf(path)
      ? linkFrom(parentOf(temporary))
      : withDirectory(parentOf(target), linkFrom);
  };
  return replaceFile(path, link, isStillRight, true);
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

/**
 * Links a name that is free to a file of the same directory.
 * @param isRight asked about the new link: if not, it is removed again
 * @returns whether the link was made; false also if the name is not free, or the file gone
 * @throws the system's error
 */
export function linkFreeName(path: string, target: string, isRight: (name: string) => boolean): boolean {
  return withDirectory(parentOf(path), (held) => {
    const name = `${held}/${nameOf(path)}`;
    try {
      if (!linkIfThere(`${held}/${nameOf(target)}`, name)) return false;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    }
    if (isRight(name)) return true;
    unlinkIfAny(name);
    return false;
  });
}

/**
 * Makes `name` a link to a file, and says whether it did: not if the file is gone. link(2) also says so (ENOENT) when
 * another process renames a new file over it at this moment.
 */
function linkIfThere(target: string, name: string): boolean {
  try {
    linkSync(target, name);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function unlinkIfAny(name: string): void {
  try {
    unlinkSync(name);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
