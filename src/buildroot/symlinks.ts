import { ifPossible } from '../files/if-possible.ts';
import type { StagedPath } from '../files/path.ts';
import { lstatIfAny } from '../files/stat.ts';
import type { Buildroot } from './path.ts';
import { resolveInBuildroot } from './resolve.ts';
import { isRunningSystem, walkLimits } from './running-system.ts';
import { startingPoints } from './starting-points.ts';
import { walk } from './walk.ts';

/**
 * Finds the symlinks of a tree that lead to something in it, whatever their names; those that are not UTF-8 are missing.
 * @param paths in the running system, only symlinks below these PATHs are searched
 * @returns where each of them leads to in the end
 * @throws PyclinkError `usage` for a PATH that cannot be used
 */
export function symlinksIn(buildroot: Buildroot, paths: readonly string[]): ReadonlyMap<StagedPath, StagedPath> {
  const points = isRunningSystem(buildroot) && paths.length > 0 ? startingPoints(buildroot, paths) : [buildroot.path];
  const links = new Map<StagedPath, StagedPath>();
  const add = (path: StagedPath) => {
    const resolved = ifPossible(() => resolveInBuildroot(buildroot, path));
    if (resolved?.kind === 'inside') links.set(path, resolved.path);
  };
  for (const point of points) {
    const kind = ifPossible(() => lstatIfAny(point))?.kind;
    if (kind === 'directory') walk(point, /(?!)/, walkLimits(buildroot), add);
    else if (kind === 'symlink') add(point);
  }
  return links;
}
