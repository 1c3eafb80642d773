import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { ifPossible } from './if-possible.ts';
import { plainPath } from './path.ts';

/**
 * Makes a path that the user gave absolute. Resolves `..` as the kernel does: after a symlink to a directory it is the
 * parent of the target. Symlinks after the last `..` stay in the path.
 */
export function absolutePath(given: string): string {
  const end = /.*(?:^|\/)\.\.(?=\/|$)/s.exec(given)?.[0].length ?? 0;
  const before = given.slice(0, end);
  const real = before === '' ? undefined : ifPossible(() => realpathSync.native(before));
  return plainPath(resolve(real === undefined ? given : `${real}/${given.slice(end)}`));
}
