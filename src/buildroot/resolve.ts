import { readlinkSync } from 'node:fs';
import { childOf, contains, maxSymlinks, nameOf, parentOf, type StagedPath } from '../files/path.ts';
import { lstatIfAny } from '../files/stat.ts';
import type { Buildroot } from './path.ts';

/** Where a staged path leads if its symlinks are followed as on the installed system. */
export type Resolved =
  /** `physical`: the kernel resolves it to the same file. Otherwise an absolute symlink was taken as a payload path. */
  | { readonly kind: 'inside'; readonly path: StagedPath; readonly physical: boolean }
  /** A `..` leads above the buildroot, or the target of an absolute symlink is not in it. */
  | { readonly kind: 'outside' }
  /** A dangling relative symlink, or a loop. */
  | { readonly kind: 'dangling' };

/**
 * Follows the symlinks of a staged path. An absolute target is a payload path; a relative target above the buildroot is
 * outside. Reads nothing outside the buildroot, so the result is the same on every machine.
 */
export function resolveInBuildroot(buildroot: Buildroot, staged: StagedPath): Resolved {
  const pending = staged.slice(buildroot.path.length).split('/').reverse();
  let reached = buildroot.path;
  let followed = 0;
  let physical = true;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      // On the installed system `/..` is `/`, but here the kernel would leave the buildroot.
      if (reached === buildroot.path && (physical || buildroot.installedAt !== undefined)) return { kind: 'outside' };
      if (reached !== buildroot.path) reached = parentOf(reached);
      continue;
    }
    const next = childOf(reached, name);
    const kind = lstatIfAny(next)?.kind;
    if (kind === undefined) return { kind: physical ? 'dangling' : 'outside' };
    if (kind !== 'symlink') {
      if (kind !== 'directory' && pending.length > 0) return { kind: 'dangling' };
      reached = next;
      continue;
    }
    followed += 1;
    if (followed > maxSymlinks) return { kind: 'dangling' };
    const target = readlinkSync(next);
    if (target.startsWith('/')) {
      const inside = belowTree(buildroot, target);
      if (inside === undefined) return { kind: 'outside' };
      reached = buildroot.path;
      physical &&= reached === '/';
      pending.push(...inside.split('/').reverse());
    } else pending.push(...target.split('/').reverse());
  }
  return { kind: 'inside', path: reached, physical };
}

/** The part of an absolute symlink target below the install prefix; undefined if the target is elsewhere. */
function belowTree(buildroot: Buildroot, target: string): string | undefined {
  const path = target.replace(/\/+/g, '/');
  const installedAt = buildroot.installedAt ?? '/';
  return contains(installedAt, path) ? path.slice(installedAt.length) : undefined;
}

/** Like resolveInBuildroot, but does not follow the last component. */
export function resolveParent(buildroot: Buildroot, staged: StagedPath): Resolved {
  if (staged === buildroot.path) return { kind: 'inside', path: staged, physical: true };
  const parent = resolveInBuildroot(buildroot, parentOf(staged));
  return parent.kind === 'inside' ? { ...parent, path: childOf(parent.path, nameOf(staged)) } : parent;
}
