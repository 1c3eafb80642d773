import { resolve } from 'node:path';
import { absolutePath } from '../files/absolute-path.ts';
import { contains, type PayloadPath, plainPath, type StagedPath } from '../files/path.ts';

/** The staged tree. `path` contains no symlinks; `given` is the normalised path that the user gave. */
export interface Buildroot {
  readonly path: StagedPath;
  readonly given: string;
  /** It is a whole system, and its interpreters run in a chroot there. */
  readonly isSystem?: true;
  /** Where the tree will be installed, if not at `/`. */
  readonly installedAt?: PayloadPath;
}

/** Converts a staged path to the path as installed. @throws RangeError if `staged` is not in the buildroot */
export function toPayload(buildroot: Buildroot, staged: StagedPath): PayloadPath {
  if (!contains(buildroot.path, staged)) throw new RangeError(`${staged} is not below ${buildroot.path}`);
  return join(buildroot.installedAt ?? '/', within(buildroot.path, staged)) as PayloadPath;
}

/**
 * Converts a payload path to a staged path. `..` cannot leave the buildroot.
 * @throws RangeError if `payload` is outside the install prefix
 */
export function toStaged(buildroot: Buildroot, payload: string): StagedPath {
  const installedAt = buildroot.installedAt ?? '/';
  if (!isInside(buildroot, payload)) throw new RangeError(`${payload} is not below ${installedAt}`);
  return join(buildroot.path, within(installedAt, plainPath(payload))) as StagedPath;
}

/** Whether a payload path is inside the install prefix, even if it does not exist. */
export function isInside(buildroot: Buildroot, payload: string): boolean {
  return contains(buildroot.installedAt ?? '/', plainPath(payload));
}

/** The part of a path below a directory: empty, or with a leading slash. */
function within(directory: string, path: string): string {
  return directory === '/' ? path.replace(/^\/$/, '') : path.slice(directory.length);
}

function join(directory: string, rest: string): string {
  return directory === '/' ? rest || '/' : directory + rest;
}

/**
 * Reads a PATH argument. A path in the buildroot is a staged path; any other absolute path is a payload path. A
 * relative path is a staged path, as a shell would resolve it; the same holds for `..` after a symlink in a staged
 * path.
 * @returns undefined if it is empty, relative and outside the buildroot, or outside the install prefix
 */
export function locate(buildroot: Buildroot, argument: string): StagedPath | undefined {
  const prefixes = [buildroot.path, buildroot.given];
  const path = plainPath(argument === '' ? '' : resolve(argument));
  if (argument.startsWith('/') && !prefixes.some((prefix) => contains(prefix, path))) {
    return isInside(buildroot, path) ? toStaged(buildroot, path) : undefined;
  }
  const staged = argument === '' ? path : absolutePath(argument);
  const prefix = prefixes.find((directory) => contains(directory, staged));
  return prefix === undefined ? undefined : (join(buildroot.path, within(prefix, staged)) as StagedPath);
}

/** Resolves a directory that the user gave. In the buildroot, the buildroot part of the path is also resolved. */
export function resolveGiven(buildroot: Buildroot, directory: string): string {
  const path = plainPath(directory);
  return contains(buildroot.given, path) ? buildroot.path + path.slice(buildroot.given.length) : path;
}
