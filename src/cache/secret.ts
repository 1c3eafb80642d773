import { readPrivateFile } from './private-file.ts';
import { UnusableCache } from './unusable-cache.ts';

/** Shorter secrets can be guessed. */
const minBytes = 16;

/** Reads the secret that signs entries. @throws UnusableCache if it is missing or readable by others */
export function readSecret(path: string): Buffer {
  const secret = readPrivateFile(path, 'secret');
  if (secret.length < minBytes) throw new UnusableCache(path, `the secret is shorter than ${minBytes} bytes`);
  return secret;
}
