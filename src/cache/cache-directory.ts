import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';
import { currentCredentials } from '../files/credentials.ts';
import { ifPossible } from '../files/if-possible.ts';
import { replaceByContent } from '../files/replace.ts';
import { type FileStat, lstatIfAny, stat } from '../files/stat.ts';
import { UnusableCache } from './unusable-cache.ts';

/** Tells backup programs that the directory can be made anew. @see https://bford.info/cachedir/ */
const tag = 'Signature: 8a477f597d28d172789f06886806bc55\n# A cache of pyclink. It may be removed at any time.\n';

/** Makes a cache directory if it is missing. @throws UnusableCache if that fails */
export function makeCacheDirectory(directory: string): void {
  try {
    mkdirSync(join(directory, 'v1'), { recursive: true, mode: 0o755 });
    const tagFile = join(realpathSync.native(directory), 'CACHEDIR.TAG');
    if (lstatIfAny(tagFile) === undefined) ifPossible(() => replaceByContent(tagFile, [tag], 0o644));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw new UnusableCache(directory, `it cannot be made (${errnoOf(error)})`);
  }
}

/**
 * Checks a cache directory.
 * @returns where it is, with all symlinks resolved
 * @throws UnusableCache if there is none, or if somebody else could have put entries into it
 */
export function checkCacheDirectory(directory: string): string {
  let stats: FileStat[];
  let real: string;
  try {
    real = realpathSync.native(directory);
    stats = [stat(real), stat(join(real, 'v1'))];
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw new UnusableCache(directory, `it cannot be read (${errnoOf(error)})`);
  }
  const trusted = [0, currentCredentials()?.userId];
  const other = stats.find(({ userId }) => !trusted.includes(userId));
  if (other !== undefined) throw new UnusableCache(real, `it belongs to user ${other.userId}`);
  if (stats.some(({ mode }) => (mode & 0o022) !== 0)) throw new UnusableCache(real, 'others may write to it');
  return real;
}
