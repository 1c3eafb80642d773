import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { kill, pid } from 'node:process';
import { errnoOf } from '../errors.ts';
import { withDirectory } from './directory.ts';

/** The names of temporary files say whose they are. */
const temporaryName = /^\.pyclink-(\d+)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Makes a new file beside another and renames it over that one: a reader sees the old file or the new one, never
 * neither. The directory is held meanwhile: nothing is written anywhere else.
 * @param path absolute, no symlink on the way
 * @param make creates the new file under the name it is given
 * @param isStillRight asked right before the rename about the new and the old file; on false all is left as it was
 * @returns whether the file was replaced
 * @throws what `make` and the rename throw; the temporary file is gone then
 */
export function replaceFile(
  path: string,
  make: (temporary: string) => void,
  isStillRight: (temporary: string, old: string) => boolean = () => true,
): boolean {
  return withDirectory(dirname(path), (held) => {
    const [old, temporary] = [join(held, basename(path)), join(held, `.pyclink-${pid}-${randomUUID()}`)];
    try {
      make(temporary);
      if (!isStillRight(temporary, old)) return false;
      renameSync(temporary, old);
      return true;
    } finally {
      // It is still there too if both names were links to one file: then rename does nothing.
      if (existsSync(temporary)) unlinkSync(temporary);
    }
  });
}

/**
 * Replaces a file by one with this content.
 * @param mode permission bits, less the umask
 * @param finish what else is to be done to the new file before it gets its name
 * @param isStillRight as for `replaceFile`
 * @returns the new file, or undefined if it was not replaced
 * @throws the system's error
 */
export function replaceByContent(
  path: string,
  content: Uint8Array | Iterable<string>,
  mode: number,
  finish: (descriptor: number) => void = () => {},
  isStillRight?: (temporary: string, old: string) => boolean,
): Stats | undefined {
  let stat: Stats | undefined;
  const make = (temporary: string) => {
    const descriptor = openSync(temporary, 'wx', mode);
    try {
      for (const piece of content instanceof Uint8Array ? [content] : inPortions(content)) {
        writeFileSync(descriptor, piece);
      }
      finish(descriptor);
      stat = fstatSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  };
  return replaceFile(path, make, isStillRight) ? stat : undefined;
}

const portionChars = 50_000;

/** Pieces of text put together, so that there are fewer to write. */
function* inPortions(pieces: Iterable<string>): Generator<string> {
  let portion: string[] = [];
  let chars = 0;
  for (const piece of pieces) {
    portion.push(piece);
    chars += piece.length;
    if (chars < portionChars) continue;
    yield portion.join('');
    [portion, chars] = [[], 0];
  }
  yield portion.join('');
}

/**
 * Replaces a file by a link to another in its directory.
 * @param isStillRight as for `replaceFile`
 * @returns whether the file was replaced
 * @throws the system's error
 */
export function replaceByLink(
  path: string,
  target: string,
  isStillRight: (temporary: string, old: string) => boolean,
): boolean {
  return replaceFile(
    path,
    (temporary) => linkSync(join(dirname(temporary), basename(target)), temporary),
    isStillRight,
  );
}

/**
 * Removes the temporary files that a run which was killed has left in a directory, if it is one. Where that is not
 * possible they stay: what is to be written there says why.
 */
export function removeLeftovers(directory: string): void {
  ifPossible(() =>
    withDirectory(directory, (held) => {
      for (const name of readdirSync(held)) {
        const owner = temporaryName.exec(name)?.[1];
        // No file of this very run is under way while this runs.
        if (owner === undefined || (Number(owner) !== pid && isRunning(Number(owner)))) continue;
        ifPossible(() => unlinkSync(join(held, name)));
      }
    }),
  );
}

function ifPossible(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}

function isRunning(owner: number): boolean {
  try {
    kill(owner, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}
