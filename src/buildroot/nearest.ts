import { relative } from 'node:path';
import { byCodeUnit, type PayloadPath, parentOf } from '../files/path.ts';
import { type Buildroot, toPayload } from './path.ts';
import { walkLimits } from './running-system.ts';
import { startingPoints } from './starting-points.ts';
import { walk } from './walk.ts';

/**
 * The directories with `.py` files that are nearest to the PATHs, or to the top of the tree: a suggestion when there
 * was nothing to compile.
 * @param count the most to return
 */
export function nearestSources(buildroot: Buildroot, paths: readonly string[], count: number): PayloadPath[] {
  const { found } = walk(buildroot.path, /.\.py$/s, walkLimits(buildroot));
  const directories = new Set(found.filter(({ type }) => type !== 'directory').map(({ path }) => parentOf(path)));
  const starts = paths.length === 0 ? [buildroot.path] : startingPoints(buildroot, paths);
  return Array.from(directories, (path) => ({ path, steps: Math.min(...starts.map((from) => steps(from, path))) }))
    .sort((a, b) => a.steps - b.steps || byCodeUnit(a.path, b.path))
    .slice(0, count)
    .map(({ path }) => toPayload(buildroot, path));
}

/** The number of directories to go up and down from one path to the other. */
function steps(from: string, to: string): number {
  return relative(from, to).split('/').filter(Boolean).length;
}
