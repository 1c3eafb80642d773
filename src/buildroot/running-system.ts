import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { foreignWriter } from '../files/foreign-writer.ts';
import { ifPossible } from '../files/if-possible.ts';
import { childOf, contains, nameOf, type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';
import { fileSystemOf, lstatIfAny } from '../files/stat.ts';
import type { Buildroot } from './path.ts';
import { pythonDirectoryOf } from './python-directory.ts';
import { type WalkLimits, walk } from './walk.ts';

/** Whether the tree is the running system. */
export function isRunningSystem({ path }: Buildroot): boolean {
  return path === '/';
}

/** Directories that the kernel or the system fills at each start. Nothing in them is compiled. */
export const kernelDirectories = ['/proc', '/sys', '/dev', '/run'];

/**
 * What a walk through a tree leaves out. In the running system: other file systems than that of the starting point, and
 * the kernel's directories. In other trees: the kernel's file systems; in a whole system also these directories,
 * because mmdebstrap, for one, mounts parts of this machine's /dev for its hooks.
 */
export function walkLimits(tree: Buildroot): WalkLimits {
  const without = kernelDirectories.map((directory) => childOf(tree.path, directory.slice(1)));
  if (isRunningSystem(tree)) return { otherFileSystems: 'all', without };
  const otherFileSystems = "the kernel's";
  if (tree.isSystem === true) return { otherFileSystems, without };
  const fileSystemIn = (path: string) => {
    // If the tree cannot be searched, the walk reports it.
    const stat = ifPossible(() => lstatIfAny(path));
    return stat && fileSystemOf(stat);
  };
  const top = fileSystemIn(tree.path);
  const isMounted = (directory: string) => ![undefined, top].includes(fileSystemIn(directory));
  return { otherFileSystems, without: without.filter(isMounted) };
}

/** Whether a path of the running system is in one of the kernel's directories. */
export function isOfKernel(path: string): boolean {
  return kernelDirectories.some((directory) => contains(directory, path));
}

/** Caches and data of services. They may contain trees of other systems, such as the layers of container images. */
const dataDirectories = [...kernelDirectories, '/tmp', '/var/lib', '/var/cache', '/var/tmp'];

/**
 * Searches the file system of `/` for virtual environments and for libraries such as `lib/pythonX.Y`, of any Python.
 * Skips caches and data of services. @see PEP 405
 */
export function pythonPlaces() {
  const limits: WalkLimits = { otherFileSystems: 'all', without: dataDirectories };
  const { found, otherFileSystems } = walk('/' as StagedPath, /^(?:pyvenv\.cfg$|python3\.|pypy3)/, limits);
  const isLibrary = (path: StagedPath) =>
    pythonDirectoryOf(path as string as PayloadPath)?.directory === (path as string);
  return {
    environments: found.filter(({ path }) => nameOf(path) === 'pyvenv.cfg').map(({ path }) => parentOf(path)),
    libraries: found.filter(({ path, type }) => type === 'directory' && isLibrary(path)).map(({ path }) => path),
    otherFileSystems,
  };
}

/**
 * The one virtual environment that is in a directory of the running system or next to it; one without an interpreter
 * only if no other is there. Skips environments whose interpreter another user could replace, because nobody asked for
 * them.
 */
export function environmentBeside(path: StagedPath): StagedPath | undefined {
  for (const directory of [path, parentOf(path)]) {
    const safe = (ifPossible(() => readdirSync(directory)) ?? [])
      .map((name) => childOf(directory, name))
      .filter((place) => ifPossible(() => lstatIfAny(join(place, 'pyvenv.cfg'))) !== undefined)
      .filter((place) => [programIn(place), realProgramIn(place) ?? place].some((one) => !foreignWriter(one)));
    const complete = safe.filter(realProgramIn);
    const [first, second] = complete.length > 0 ? complete : safe;
    if (first !== undefined) return second === undefined ? first : undefined;
  }
  return undefined;
}

const programIn = (environment: string) => join(environment, 'bin/python');
const realProgramIn = (environment: string) => ifPossible(() => realpathSync.native(programIn(environment)));

/** The virtual environment that contains a directory of the running system. */
export function environmentAround(directory: StagedPath): StagedPath | undefined {
  for (let above = directory; above !== '/'; above = parentOf(above)) {
    if (lstatIfAny(join(above, 'pyvenv.cfg')) !== undefined) return above;
  }
  return undefined;
}
