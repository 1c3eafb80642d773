import { resolve } from 'node:path';
import { absolutePath } from '../files/absolute-path.ts';
import { contains, type PayloadPath, plainPath, type StagedPath } from '../files/path.ts';

/** The staged tree. `path` has no symlink in it; `given` is how the user wrote it, as a plain path. */
export interface Buildroot {
  readonly path: StagedPath;
  readonly given: string;
  /** It is a whole system, whose interpreters are started in it. */
  readonly isSystem?: true;
  /** Where the tree will lie, if not at `/`. */
  readonly installedAt?: PayloadPath;
}

/** The path as installed. @throws RangeError if `staged` is not in the buildroot. */
export function toPayload(buildroot: Buildroot, staged: StagedPath): PayloadPath {
  if (!contains(buildroot.path, staged)) throw new RangeError(`${staged} is not below ${buildroot.path}`);
  return join(buildroot.installedAt ?? '/', within(buildroot.path, staged)) as PayloadPath;
}

/**
 * Where a payload path is staged. `..` in it cannot leave the buildroot.
 * @throws RangeError if the tree will not lie above `payload`
 */
export function toStaged(buildroot: Buildroot, payload: string): StagedPath {
  const installedAt = buildroot.installedAt ?? '/';
  if (!isInside(buildroot, payload)) throw new RangeError(`${payload} is not below ${installedAt}`);
  return join(buildroot.path, within(installedAt, plainPath(payload))) as StagedPath;
}

/** Whether a payload path belongs to the tree, be it there or not. */
export function isInside(buildroot: Buildroot, payload: string): boolean {
  return contains(buildroot.installedAt ?? '/', plainPath(payload));
}

/** The rest of a path below a directory: empty, or with a slash in front. */
function within(directory: string, path: string): string {
  return directory === '/' ? path.replace(/^\/$/, '') : path.slice(directory.length);
}

function join(directory: string, rest: string): string {
  return directory === '/' ? rest || '/' : directory + rest;
}

/**
 * Reads a PATH argument: below the buildroot it is a staged path, any other absolute path is a payload path. A relative
 * one is staged, as a shell would take it; so is `..` behind a symlink in a staged path.
 * @returns undefined if it is empty, relative and outside the buildroot, or outside the directory where the tree will lie
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

/** A directory that the user named; if it is in the buildroot, with the path of the buildroot resolved. */
export function resolveGiven(buildroot: Buildroot, directory: string): string {
  const path = plainPath(directory);
  return contains(buildroot.given, path) ? buildroot.path + path.slice(buildroot.given.length) : path;
}
