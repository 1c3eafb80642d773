import { errnoOf, PyclinkError } from '../errors.ts';
import { ifRefused } from '../files/if-possible.ts';
import type { StagedPath } from '../files/path.ts';
import { lstat, lstatIfAny } from '../files/stat.ts';
import { type Buildroot, locate } from './path.ts';
import { wildcard } from './path-patterns.ts';
import { type Resolved, resolveInBuildroot, resolveParent } from './resolve.ts';
import { isOfKernel, isRunningSystem } from './running-system.ts';

/**
 * Converts the PATHs to staged paths without symlinks, as the package will record them.
 * @throws PyclinkError `usage`, naming every PATH that cannot be used
 */
export function startingPoints(buildroot: Buildroot, paths: readonly string[]): StagedPath[] {
  const complaints: string[] = [];
  const isLive = isRunningSystem(buildroot);
  const pointOf = (path: string): StagedPath[] => {
    const staged = locate(buildroot, path);
    if (staged === undefined) {
      const { installedAt } = buildroot;
      const relative = path === '' ? 'a PATH must not be empty' : 'not in the buildroot';
      complaints.push(
        `${path}: ${path.startsWith('/') && installedAt !== undefined ? `not below ${installedAt}` : relative}`,
      );
      return [];
    }
    const whole = resolveInBuildroot(buildroot, staged);
    // A symlink to a source is compiled under its own name.
    const named = /\.py$/.test(staged) && !isDirectory(whole) ? resolveParent(buildroot, staged) : whole;
    if (named.kind === 'inside' && isLive && isOfKernel(named.path)) {
      complaints.push(`${path}: is on a kernel file system`);
      return [];
    }
    if (named.kind === 'inside' && lstatIfAny(named.path) !== undefined) return [named.path];
    const isOutside = named.kind === 'outside' && !isLive;
    const missing = wildcard.test(path) ? 'matches no directory' : isLive ? 'does not exist' : 'not in the buildroot';
    complaints.push(`${path}: ${isOutside ? 'points outside the buildroot' : missing}`);
    return [];
  };
  const points = paths.flatMap((path) =>
    ifRefused(
      () => pointOf(path),
      (error) => {
        complaints.push(`${path}: cannot be opened (${errnoOf(error)})`);
        return [];
      },
    ),
  );
  if (complaints.length > 0) {
    throw new PyclinkError('usage', complaints.join('; '), {
      hint: isLive ? undefined : `a PATH is as installed (/usr/lib/…), or starts with the buildroot ${buildroot.path}`,
    });
  }
  return [...new Set(points)];
}

function isDirectory(place: Resolved): boolean {
  return place.kind === 'inside' && lstat(place.path).kind === 'directory';
}
