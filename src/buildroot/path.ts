import { contains, normalise, type PayloadPath, type StagedPath } from '../files/path.ts';

/** The staged tree. `path` has no symlink in it; `given` is how the user wrote it, normalised. */
export interface Buildroot {
  readonly path: StagedPath;
  readonly given: string;
}

/** The path as installed. @throws RangeError if `staged` is not in the buildroot. */
export function toPayload(buildroot: Buildroot, staged: StagedPath): PayloadPath {
  if (!contains(buildroot.path, staged)) throw new RangeError(`${staged} is not below ${buildroot.path}`);
  return (buildroot.path === '/' ? staged : staged.slice(buildroot.path.length) || '/') as string as PayloadPath;
}

/** Where a payload path is staged. `..` in it cannot leave the buildroot. */
export function toStaged(buildroot: Buildroot, payload: string): StagedPath {
  const inside = normalise(payload);
  return (buildroot.path === '/' ? inside : buildroot.path + inside.replace(/^\/$/, '')) as StagedPath;
}

/**
 * Reads a PATH argument: below the buildroot it is a staged path, any other absolute path is a payload path.
 * Returns undefined for a relative path.
 */
export function locate(buildroot: Buildroot, argument: string): StagedPath | undefined {
  if (!argument.startsWith('/')) return undefined;
  const path = normalise(argument);
  for (const prefix of [buildroot.path, buildroot.given]) {
    if (contains(prefix, path)) return toStaged(buildroot, path.slice(prefix.length));
  }
  return toStaged(buildroot, path);
}

/** A directory that the user named; if it is in the buildroot, with the path of the buildroot resolved. */
export function resolveGiven(buildroot: Buildroot, directory: string): string {
  const path = normalise(directory);
  return contains(buildroot.given, path) ? buildroot.path + path.slice(buildroot.given.length) : path;
}
