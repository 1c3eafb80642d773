import { lstatSync } from 'node:fs';
import type { Buildroot } from '../buildroot/path.ts';
import { startingPoints } from '../buildroot/starting-points.ts';
import { walk } from '../buildroot/walk.ts';
import { PyclinkError } from '../errors.ts';
import { parentOf, type StagedPath } from '../files/path.ts';
import { parsePycPath } from '../pyc/name.ts';
import { pycFile } from './fingerprint.ts';
import type { PycFile } from './group.ts';

export interface FoundPycs {
  /** The pycs that may be linked with each other: of one source, one cache tag, in one directory. */
  readonly sets: readonly (readonly PycFile[])[];
  readonly pycs: number;
  /** The directories with pycs, or with what a killed run may have left. */
  readonly directories: ReadonlySet<StagedPath>;
  /** Directories that could not be listed, with the error. */
  readonly unreadable: readonly { readonly directory: string; readonly error: unknown }[];
}

/**
 * Finds existing pycs, `.pyo` too.
 * @param paths staged or payload paths; none: the whole buildroot
 * @throws PyclinkError `usage` for a PATH that cannot be used
 */
export function findPycs(buildroot: Buildroot, paths: readonly string[]): FoundPycs {
  const roots = paths.length === 0 ? [buildroot.path] : startingPoints(buildroot, paths);
  const sets = new Map<string, Map<StagedPath, PycFile>>();
  const unreadable: FoundPycs['unreadable'][number][] = [];
  const directories = new Set<StagedPath>();
  let pycs = 0;
  const file = roots.find((root) => !lstatSync(root).isDirectory());
  if (file !== undefined) throw new PyclinkError('usage', 'a PATH of link is a directory', { path: file });
  for (const root of roots) {
    const walked = walk(root, ['*.pyc', '*.pyo', '.pyclink-*']);
    unreadable.push(...walked.unreadable);
    for (const { path, type } of walked.found) {
      if (type === 'file') directories.add(parentOf(path));
      const name = type === 'file' ? parsePycPath(path) : undefined;
      if (name === undefined) continue;
      const key = `${name.source}\0${name.cacheTag ?? ''}`;
      const set = sets.get(key) ?? new Map<StagedPath, PycFile>();
      sets.set(key, set.set(path, pycFile(path, lstatSync(path))));
      pycs += 1;
    }
  }
  return { sets: Array.from(sets.values(), (set) => [...set.values()]), pycs, directories, unreadable };
}
