import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { ifPossible } from './if-possible.ts';
import { plainPath } from './path.ts';

/**
 * The absolute path of what a user named. `..` is taken as the kernel takes it: behind a symlink to a directory it is
 * the parent of that directory. A symlink behind the last `..` is still in it.
 */
export function absolutePath(given: string): string {
  const end = /.*(?:^|\/)\.\.(?=\/|$)/s.exec(given)?.[0].length ?? 0;
  const before = given.slice(0, end);
  const real = before === '' ? undefined : ifPossible(() => realpathSync.native(before));
  return plainPath(resolve(real === undefined ? given : `${real}/${given.slice(end)}`));
}
