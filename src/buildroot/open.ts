import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { errnoOf, PyclinkError } from '../errors.ts';
import { type PayloadPath, plainPath, type StagedPath } from '../files/path.ts';
import { stat } from '../files/stat.ts';
import type { Buildroot } from './path.ts';

/**
 * Opens the buildroot and resolves the symlinks in its path.
 * @param prepend the directory where the tree will be installed; ignored if it is not absolute
 * @throws PyclinkError `buildroot-unusable` if it is not given, missing, not a directory, or `/`
 */
export function openBuildroot(given: string | undefined, prepend = '/'): Buildroot {
  if (given === undefined || given === '') {
    throw new PyclinkError('buildroot-unusable', 'no buildroot', {
      hint: 'give --buildroot DIR, or set RPM_BUILD_ROOT',
    });
  }
  const buildroot = openTree(given);
  if (buildroot.path === '/') {
    throw unusable(
      given,
      'the buildroot is the running system',
      'give the directory that the package is staged in, or --in-place',
    );
  }
  return installedAt(buildroot, prepend);
}

/** The same tree, to be installed in this directory. */
export function installedAt(tree: Buildroot, prepend: string): Buildroot {
  const place = plainPath(prepend) as PayloadPath;
  return prepend.startsWith('/') && place !== '/' ? { ...tree, installedAt: place } : tree;
}

/**
 * Opens a directory that holds a payload, for reading only. It may be `/`.
 * @throws PyclinkError `buildroot-unusable` if it is missing or not a directory
 */
export function openTree(given: string): Buildroot {
  try {
    const path = realpathSync.native(given) as StagedPath;
    if (stat(path).kind === 'directory') return { path, given: plainPath(resolve(given)) };
  } catch (error) {
    throw unusable(given, `cannot be opened (${errnoOf(error)})`, 'has anything been installed into it?');
  }
  throw unusable(given, 'is not a directory');
}

function unusable(path: string, reason: string, hint?: string): PyclinkError {
  return new PyclinkError('buildroot-unusable', reason, { path, hint });
}
