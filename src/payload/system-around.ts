import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import { ifPossible } from '../files/if-possible.ts';
import type { PayloadPath, StagedPath } from '../files/path.ts';
import { lstatIfAny } from '../files/stat.ts';

/**
 * Finds the root of the system that a directory belongs to, so that its files get the paths that interpreters know:
 * `/tmp/tree` for `/tmp/tree/usr/lib/python3`; `/` for `/usr/share/shop`, and for a prefix with Python modules, such as
 * a virtual environment, `/opt/acme` or an output of Nix, which counts as installed. Any other directory is itself the
 * root.
 * @param directory without symlinks
 */
export function systemAround(directory: StagedPath): StagedPath {
  if (has(directory, 'usr')) return directory;
  const usr = /^(?<root>.*)\/usr(?:\/|$)/s.exec(directory)?.groups?.['root'];
  if (usr !== undefined) return (usr || '/') as StagedPath;
  const isLibrary = pythonDirectoryOf(directory as string as PayloadPath) !== undefined;
  const prefix = directory.replace(/\/lib(?:64)?$/, '');
  return isLibrary || isPrefix(prefix) ? ('/' as StagedPath) : directory;
}

/** Whether a directory has Python modules where interpreters look for them. */
function isPrefix(directory: string): boolean {
  if (['pyvenv.cfg', 'bin/python3', 'bin/pypy3'].some((name) => has(directory, name))) return true;
  const libraries = ['lib', 'lib64'].flatMap((name) => ifPossible(() => readdirSync(join(directory, name))) ?? []);
  return libraries.some((name) => /^(?:python|pypy)3/.test(name));
}

function has(directory: string, name: string): boolean {
  return lstatIfAny(join(directory, name)) !== undefined;
}
