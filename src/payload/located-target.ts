import { basename, join, resolve } from 'node:path';
import { errnoOf, PyclinkError } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import { type FileStat, stat, statIfAny } from '../files/stat.ts';

/** A target, and the reference if it is an image. */
export interface LocatedTarget {
  readonly target: string;
  readonly kind: 'tree' | 'image-directory' | 'file';
  readonly path: string;
  readonly reference?: string;
}

/** Says what a target is. @throws PyclinkError `usage` if it is not there, a `__pycache__`, or neither a file nor a directory */
export function locateTarget(target: string): LocatedTarget {
  const [path, reference] = parted(target);
  const place = { target, path, ...(reference === undefined ? {} : { reference }) };
  const { kind } = statOf(path);
  if (kind === 'other') throw new PyclinkError('usage', 'is not a regular file or a directory', { path });
  if (kind !== 'directory') return { ...place, kind: 'file' };
  if (basename(resolve(path)) === '__pycache__') {
    const hint = 'name the directory above, which has the sources';
    throw new PyclinkError('usage', 'is a __pycache__', { path, hint });
  }
  const isImage = exists(join(path, 'oci-layout'));
  if (!isImage && reference !== undefined) throw new PyclinkError('usage', 'is not an image', { path });
  return { ...place, kind: isImage ? 'image-directory' : 'tree' };
}

/** Splits a target from its `:NAME`. If a file with the whole name exists, that is the target. */
function parted(target: string): [path: string, reference?: string] {
  const ends = Array.from(target.matchAll(/:/g), ({ index }) => index).filter((index) => index > 0);
  const end = exists(target) ? undefined : ends.find((index) => exists(target.slice(0, index)));
  return end === undefined ? [target] : [target.slice(0, end), target.slice(end + 1)];
}

function exists(path: string): boolean {
  return ifPossible(() => statIfAny(path)) !== undefined;
}

function statOf(path: string): FileStat {
  try {
    return stat(path);
  } catch (error) {
    throw new PyclinkError('usage', `cannot be opened (${errnoOf(error)})`, { path, cause: error });
  }
}
