import { join } from 'node:path';
import { childOf, contains, parentOf, type StagedPath } from '../files/path.ts';
import { fileSystemOf, lstatIfAny } from '../files/stat.ts';
import type { Buildroot } from './path.ts';
import { type Walk, type WalkLimits, walk } from './walk.ts';

/** Whether the tree is the running system. */
export function isRunningSystem({ path }: Buildroot): boolean {
  return path === '/';
}

/** What the kernel or the system makes at each start: nothing in it is compiled. */
const kernelDirectories = ['/proc', '/sys', '/dev', '/run'];

/**
 * What a walk through a tree leaves out. Of the running system: other file systems than the starting point's, and what the
 * kernel shows. Of other trees: the kernel's file systems, and of a whole system these directories in any case; mmdebstrap,
 * for one, mounts parts of this machine's /dev for its hooks.
 */
export function walkLimits(tree: Buildroot): WalkLimits {
  const without = kernelDirectories.map((directory) => childOf(tree.path, directory.slice(1)));
  if (isRunningSystem(tree)) return { otherFileSystems: 'all', without };
  const otherFileSystems = "the kernel's";
  if (tree.isSystem === true) return { otherFileSystems, without };
  const fileSystemIn = (path: string) => {
    const stat = lstatIfAny(path);
    return stat && fileSystemOf(stat);
  };
  const top = fileSystemIn(tree.path);
  const isMounted = (directory: string) => ![undefined, top].includes(fileSystemIn(directory));
  return { otherFileSystems, without: without.filter(isMounted) };
}

/** Whether a path of the running system is in one of them. */
export function isOfKernel(path: string): boolean {
  return kernelDirectories.some((directory) => contains(directory, path));
}

/** Data of services and caches: trees of other systems lie there, such as the layers of container images. */
const dataDirectories = [...kernelDirectories, '/tmp', '/var/lib', '/var/cache', '/var/tmp'];

/**
 * The virtual environments of the running system on the file system of `/`, and the directories of others, which are not
 * searched. Neither are caches and the data of services.
 * @see PEP 405
 */
export function virtualEnvironments(): { readonly environments: StagedPath[] } & Pick<Walk, 'otherFileSystems'> {
  const limits: WalkLimits = { otherFileSystems: 'all', without: dataDirectories };
  const { found, otherFileSystems } = walk('/' as StagedPath, ['pyvenv.cfg'], limits);
  return { environments: found.map(({ path }) => parentOf(path)), otherFileSystems };
}

/** The virtual environment that a directory of the running system lies in. */
export function environmentAround(directory: StagedPath): StagedPath | undefined {
  for (let above = directory; above !== '/'; above = parentOf(above)) {
    if (lstatIfAny(join(above, 'pyvenv.cfg')) !== undefined) return above;
  }
  return undefined;
}
