import { type Buildroot, isInside, toStaged } from '../buildroot/path.ts';
import { PyclinkError } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import type { PayloadPath } from '../files/path.ts';
import { isGone, lstatIfAny } from '../files/stat.ts';
import type { Manifest } from './schema.ts';

/**
 * Returns the pycs of a manifest that are not in a tree.
 * @throws PyclinkError `manifest-unusable` if none of them is
 */
export function pycsNotIn(buildroot: Buildroot, { linkGroups, singlePycs }: Manifest): PayloadPath[] {
  const paths = [...linkGroups, ...singlePycs].flatMap((record) => record.paths);
  const isThere = (path: PayloadPath) => isInside(buildroot, path) && !isGone(toStaged(buildroot, path));
  const missing = paths.filter((path) => !isThere(path));
  if (paths.length === 0 || missing.length < paths.length) return missing;
  throw new PyclinkError('manifest-unusable', `contains no pyc of the manifest, such as ${paths[0]}`, {
    path: buildroot.path,
    hint: 'give --prepend DIR if the tree was built with it',
  });
}

/** Whether the names of a link group have the same identity. FUSE file systems may number names, not files. */
export function showsLinks(buildroot: Buildroot, { linkGroups }: Manifest): boolean {
  const identity = (path: PayloadPath) => ifPossible(() => lstatIfAny(toStaged(buildroot, path))?.identity);
  const [first, second] = (linkGroups[0]?.paths ?? []).map(identity);
  return first === undefined || second === undefined || first === second;
}
