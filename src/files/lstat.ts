import { lstatSync, type Stats } from 'node:fs';
import { errnoOf } from '../errors.ts';

/**
 * The metadata of a name, without following a symlink; undefined if it does not exist (ENOENT, ENOTDIR).
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
