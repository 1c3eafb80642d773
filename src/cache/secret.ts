import { errnoOf } from '../errors.ts';
import { readRegular } from '../files/read-regular.ts';
import { UnusableCache } from './unusable-cache.ts';

/** Shorter secrets can be guessed. */
const minBytes = 16;

/**
 * Reads the secret that entries are signed with: the content of a file, without white space at its ends.
 * @throws UnusableCache if there is none, or if others may read it
 */
export function readSecret(path: string): Buffer {
  let file: ReturnType<typeof readRegular>;
  try {
    file = readRegular(path);
  } catch (error) {
    throw new UnusableCache(path, `the secret cannot be read (${errnoOf(error)})`);
  }
  if (file === undefined) throw new UnusableCache(path, 'the secret is no regular file');
  if ((file.stat.mode & 0o004) !== 0) throw new UnusableCache(path, 'everybody may read the secret');
  const secret = Buffer.from(file.content.toString('latin1').trim(), 'latin1');
  if (secret.length < minBytes) throw new UnusableCache(path, `the secret has less than ${minBytes} bytes`);
  return secret;
}
