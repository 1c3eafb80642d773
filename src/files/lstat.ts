import { lstatSync, type Stats } from 'node:fs';
import { errnoOf } from '../errors.ts';

/**
 * The metadata of a name, of a symlink itself; undefined if there is none, also because a file is where one of its
 * directories would have to be.
 * @throws the system's error for any other reason
 */
export function lstatIfAny(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
