import { readdirSync } from 'node:fs';
import { errnoOf } from '../errors.ts';

/** Whether a name is that of a shard: the first two digits of the keys in it. */
export function isShard(name: string): boolean {
  return /^[0-9a-f]{2}$/.test(name);
}

/** Whether a name is that of an entry. */
export function isKey(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** The names in a directory; none if it is missing or not a directory. @throws the system's error */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}
