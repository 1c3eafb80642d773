import { errnoOf } from '../errors.ts';
import { atMost, readRegular } from '../files/read-regular.ts';
import { UnusableCache } from './unusable-cache.ts';

/** Secrets, tokens and logins are smaller than this. */
const maxBytes = 64 * 1024;

/**
 * Reads a file that only its owner and group may read. Trims white space.
 * @param what names the content in messages
 * @throws UnusableCache if it is missing or readable by everybody
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

/** Shorter secrets can be guessed. */
const minBytes = 16;

/** Reads the secret that signs entries. @throws UnusableCache if it is missing or readable by others */
export function readSecret(path: string): Buffer {
  const secret = readPrivateFile(path, 'secret');
  if (secret.length < minBytes) throw new UnusableCache(path, `the secret is shorter than ${minBytes} bytes`);
  return secret;
}
