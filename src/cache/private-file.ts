import { errnoOf } from '../errors.ts';
import { atMost, readRegular } from '../files/read-regular.ts';
import { UnusableCache } from './unusable-cache.ts';

/** No secret, token or login is as large as this. */
const maxBytes = 64 * 1024;

/**
 * Reads a file that only its owner and group may read, without white space at its ends.
 * @param what it is, for messages
 * @throws UnusableCache if there is none, or if everybody may read it
 */
export function readPrivateFile(path: string, what: string): Buffer {
  let file: ReturnType<typeof readRegular>;
  try {
    file = readRegular(path, atMost(maxBytes));
  } catch (error) {
    throw new UnusableCache(path, `the ${what} cannot be read (${errnoOf(error)})`);
  }
  if (file === undefined) throw new UnusableCache(path, `the ${what} is not a regular file`);
  if ((file.stat.mode & 0o004) !== 0) throw new UnusableCache(path, `the ${what} is readable by everybody`);
  return Buffer.from(file.content.toString('latin1').trim(), 'latin1');
}
