import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ifPossible } from '../files/if-possible.ts';
import { contains } from '../files/path.ts';
import { stat } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';

/**
 * Sorts the paths of a %py_byte_compile call by whether they are in the buildroot. Relative paths are relative to the
 * current directory.
 * @param buildroot absolute; it need not exist, as in %build
 * @returns absolute paths in the buildroot; those outside by directory, which is the path itself, or that of a file; and
 *   the missing ones, as given
 */
export function placesOf(buildroot: string, paths: readonly string[]) {
  const staged: string[] = [];
  const elsewhere = new Map<string, string[]>();
  const missing: string[] = [];
  const realIfAny = (path: string) => ifPossible(() => realpathSync.native(path));
  const roots = [resolve(buildroot), realIfAny(buildroot) ?? buildroot];
  for (const path of paths) {
    const absolute = resolve(path);
    const real = realIfAny(absolute);
    if (real === undefined) {
      missing.push(path);
    } else if (roots.some((root) => contains(root, absolute))) {
      staged.push(absolute);
    } else if (roots.some((root) => contains(root, real))) {
      staged.push(real);
    } else {
      const directory = stat(real).kind === 'directory' ? real : dirname(real);
      getOrAdd(elsewhere, directory, () => []).push(real);
    }
  }
  return { staged, elsewhere, missing };
}
