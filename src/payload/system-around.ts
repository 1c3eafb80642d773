import { join } from 'node:path';
import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import type { PayloadPath, StagedPath } from '../files/path.ts';
import { lstatIfAny } from '../files/stat.ts';

/**
 * The root of the system that a directory belongs to, so that its files have the paths that interpreters know them by:
 * `/` for `/usr/lib/python3/dist-packages` and for a virtual environment, `/tmp/tree` for
 * `/tmp/tree/usr/lib/python3.13`. Any other directory is such a root itself.
 * @param directory without symlinks
 */
export function systemAround(directory: StagedPath): StagedPath {
  const library = pythonDirectoryOf(directory as string as PayloadPath)?.directory;
  const prefix = library?.replace(/\/lib(?:64)?\/(?:python|pypy)[^/]*(?:\/dist-packages)?$/, '') ?? directory;
  if (usr.test(prefix)) return (prefix.replace(usr, '') || '/') as StagedPath;
  return (isInstalled(prefix) ? '/' : prefix || '/') as StagedPath;
}

const usr = /\/usr(?:\/local)?$/;

/** Whether interpreters run from a directory: a virtual environment, or a prefix that Python was installed to. */
function isInstalled(prefix: string): boolean {
  const has = (name: string) => lstatIfAny(join(prefix, name)) !== undefined;
  return has('pyvenv.cfg') || ((has('bin/python3') || has('bin/pypy3')) && !has('usr'));
}
