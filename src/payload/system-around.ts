import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import { ifPossible } from '../files/if-possible.ts';
import type { PayloadPath, StagedPath } from '../files/path.ts';
import { lstatIfAny } from '../files/stat.ts';

/**
 * The root of the system that a directory belongs to, so that its files have the paths that interpreters know them by:
 * `/tmp/tree` for `/tmp/tree/usr/lib/python3`, `/` for `/usr/share/shop`, and `/` for a prefix that Python modules lie in,
 * such as a virtual environment, `/opt/acme` and an output of Nix: it is taken to be in its place. Any other directory
 * is such a root itself.
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

/** Whether Python modules lie below a directory, in the way that interpreters find them. */
function isPrefix(directory: string): boolean {
  if (['pyvenv.cfg', 'bin/python3', 'bin/pypy3'].some((name) => has(directory, name))) return true;
  const libraries = ['lib', 'lib64'].flatMap((name) => ifPossible(() => readdirSync(join(directory, name))) ?? []);
  return libraries.some((name) => /^(?:python|pypy)3/.test(name));
}

function has(directory: string, name: string): boolean {
  return lstatIfAny(join(directory, name)) !== undefined;
}
