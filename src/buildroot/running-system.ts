import { join } from 'node:path';
import { childOf, contains, parentOf, type StagedPath } from '../files/path.ts';
import { lstatIfAny } from '../files/stat.ts';
import type { Buildroot } from './path.ts';
import { type WalkLimits, walk } from './walk.ts';

/** Whether the tree is the running system. */
export function isRunningSystem({ path }: Buildroot): boolean {
  return path === '/';
}

/** What the kernel or the system makes at each start: nothing in it is compiled. */
const kernelDirectories = ['/proc', '/sys', '/dev', '/run'];

/**
 * What a walk through a tree leaves out. Of a whole system, running or not: other file systems, and what the kernel
 * shows in it; mmdebstrap, for one, mounts parts of this machine's /dev for its hooks. Of any other tree, what the kernel
 * shows if it is mounted there.
 */
export function walkLimits(tree: Buildroot): WalkLimits {
  const directories = kernelDirectories.map((directory) => childOf(tree.path, directory.slice(1)));
  if (isRunningSystem(tree) || tree.isSystem === true) return { staysOnFileSystem: true, without: directories };
  const fileSystem = lstatIfAny(tree.path)?.fileSystem;
  const isMounted = (directory: string) => ![undefined, fileSystem].includes(lstatIfAny(directory)?.fileSystem);
  return { without: directories.filter(isMounted) };
}

/** Whether a path of the running system is in one of them. */
export function isOfKernel(path: string): boolean {
  return kernelDirectories.some((directory) => contains(directory, path));
}

/** Data of services and caches: trees of other systems lie there, such as the layers of container images. */
const dataDirectories = [...kernelDirectories, '/tmp', '/var/lib', '/var/cache', '/var/tmp'];

/**
 * The virtual environments of the running system, on the file system of `/`. Caches and the data of services are not
 * searched.
 * @see PEP 405
 */
export function virtualEnvironments(): StagedPath[] {
  const { found } = walk('/' as StagedPath, ['pyvenv.cfg'], { staysOnFileSystem: true, without: dataDirectories });
  return found.map(({ path }) => parentOf(path));
}

/** The virtual environment that a directory of the running system lies in. */
export function environmentAround(directory: StagedPath): StagedPath | undefined {
  for (let above = directory; above !== '/'; above = parentOf(above)) {
    if (lstatIfAny(join(above, 'pyvenv.cfg')) !== undefined) return above;
  }
  return undefined;
}
