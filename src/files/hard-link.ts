import { linkSync } from 'node:fs';
import { withDirectory } from './directory.ts';
import { ifErrno } from './if-possible.ts';
import { nameOf, parentOf } from './path.ts';
import { replaceFile, unlinkIfAny } from './replace.ts';

/**
 * Replaces a file with a hard link to another. Keeps the directories of both open, so that nobody can exchange them.
 * @param isStillRight as in `replaceFile`
 * @returns whether the file was replaced; false if the other file no longer exists
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
 * Links a name that is free to a file of the same directory.
 * @param isRight asked about the new link: if not, it is removed again
 * @returns whether the link was made; false also if the name is not free, or the file gone
 * @throws the system's error
 */
export function linkFreeName(path: string, target: string, isRight: (name: string) => boolean): boolean {
  return withDirectory(parentOf(path), (held) => {
    const name = `${held}/${nameOf(path)}`;
    const link = () => linkIfThere(`${held}/${nameOf(target)}`, name);
    if (!ifErrno('EEXIST', link, () => false)) return false;
    if (isRight(name)) return true;
    unlinkIfAny(name);
    return false;
  });
}

/**
 * Makes `name` a hard link. @returns false if the file no longer exists. link(2) also reports ENOENT if another process
 * renames a file over it at this moment.
 */
function linkIfThere(target: string, name: string): boolean {
  const link = () => linkSync(target, name) === undefined;
  return ifErrno('ENOENT', link, () => false);
}
