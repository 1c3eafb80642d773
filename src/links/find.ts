import type { Buildroot } from '../buildroot/path.ts';
import { walkLimits } from '../buildroot/running-system.ts';
import { startingPoints } from '../buildroot/starting-points.ts';
import { walk } from '../buildroot/walk.ts';
import { PyclinkError } from '../errors.ts';
import { nameOf, parentOf, type StagedPath } from '../files/path.ts';
import { lstatIfAny } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';
import { parsePycPath } from '../pyc/name.ts';

/** A directory with pycs, or with leftovers of a killed run. */
export interface PycDirectory {
  readonly directory: StagedPath;
  readonly hasLeftovers: boolean;
  /** The sets of pycs that may be linked: those of one source and one cache tag. */
  readonly sets: readonly (readonly StagedPath[])[];
}

export interface FoundPycs {
  readonly directories: readonly PycDirectory[];
  readonly pycs: number;
  /** Directories that could not be listed, with the error. */
  readonly unreadable: readonly { readonly directory: string; readonly error: unknown }[];
  /** Pycs whose names are not UTF-8, with `\xNN` for each such byte. They are not changed. */
  readonly notUtf8: readonly string[];
}

/**
 * Finds existing pycs, including `.pyo` files.
 * @param paths staged or payload paths; if empty, the whole buildroot
 * @throws PyclinkError `usage` for a PATH that cannot be used
 */
export function findPycs(buildroot: Buildroot, paths: readonly string[]): FoundPycs {
  const roots = paths.length === 0 ? [buildroot.path] : startingPoints(buildroot, paths);
  const unreadable: FoundPycs['unreadable'][number][] = [];
  const notUtf8: string[] = [];
  const directories = new Map<StagedPath, { sets: Map<string, Set<StagedPath>>; hasLeftovers: boolean }>();
  const file = roots.find((root) => (lstatIfAny(root)?.kind ?? 'directory') !== 'directory');
  if (file !== undefined) throw new PyclinkError('usage', 'is not a directory', { path: file });
  const limits = walkLimits(buildroot);
  for (const root of roots) {
    const walked = walk(root, /\.py[co]$|^\.pyclink-/, limits);
    unreadable.push(...walked.unreadable);
    notUtf8.push(...walked.notUtf8.map(({ shown }) => shown));
    for (const { path, type } of walked.found) {
      if (type !== 'file') continue;
      const directory = getOrAdd(directories, parentOf(path), () => ({ sets: new Map(), hasLeftovers: false }));
      const name = parsePycPath(path);
      if (name === undefined) directory.hasLeftovers ||= nameOf(path).startsWith('.pyclink-');
      else getOrAdd(directory.sets, `${name.source}\0${name.cacheTag ?? ''}`, () => new Set()).add(path);
    }
  }
  const found = Array.from(directories, ([directory, { sets, hasLeftovers }]) => ({
    directory,
    hasLeftovers,
    sets: Array.from(sets.values(), (set) => [...set]),
  }));
  const pycs = found.reduce((sum, { sets }) => sum + sets.reduce((count, set) => count + set.length, 0), 0);
  return { directories: found, pycs, unreadable, notUtf8 };
}
