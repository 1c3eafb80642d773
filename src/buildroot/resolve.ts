import { readlinkSync } from 'node:fs';
import { childOf, contains, maxSymlinks, nameOf, parentOf, type StagedPath } from '../files/path.ts';
import { lstatIfAny } from '../files/stat.ts';
import type { Buildroot } from './path.ts';

/** Where a staged path leads when its symlinks are followed as on the installed system. */
export type Resolved =
  /** `physical`: the kernel gets there too. Otherwise an absolute symlink was taken as a payload path. */
  | { readonly kind: 'inside'; readonly path: StagedPath; readonly physical: boolean }
  /** It leaves with `..`, or an absolute symlink names something that is not in this buildroot. */
  | { readonly kind: 'outside' }
  /** A relative symlink to nothing, or a loop. */
  | { readonly kind: 'dangling' };

/**
 * Follows the symlinks of a staged path. An absolute target is a payload path; a relative one that goes above the
 * buildroot leads outside. Nothing outside the buildroot is read, so the result is the same on every machine.
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
    const found = whatIs(next);
    if (found === 'missing') return { kind: physical ? 'dangling' : 'outside' };
    if (found === 'directory' || found === 'file') {
      if (found === 'file' && pending.length > 0) return { kind: 'dangling' };
      reached = next;
      continue;
    }
    followed += 1;
    if (followed > maxSymlinks) return { kind: 'dangling' };
    if (found.to.startsWith('/')) {
      const inside = belowTree(buildroot, found.to);
      if (inside === undefined) return { kind: 'outside' };
      reached = buildroot.path;
      physical &&= reached === '/';
      pending.push(...inside.split('/').reverse());
    } else pending.push(...found.to.split('/').reverse());
  }
  return { kind: 'inside', path: reached, physical };
}

/** The rest of a symlink's absolute target below the directory where the tree will lie; undefined if it is elsewhere. */
function belowTree(buildroot: Buildroot, target: string): string | undefined {
  const path = target.replace(/\/+/g, '/');
  const installedAt = buildroot.installedAt ?? '/';
  return contains(installedAt, path) ? path.slice(installedAt.length) : undefined;
}

/** Like resolveInBuildroot, but the last component is left as it is. */
export function resolveParent(buildroot: Buildroot, staged: StagedPath): Resolved {
  if (staged === buildroot.path) return { kind: 'inside', path: staged, physical: true };
  const parent = resolveInBuildroot(buildroot, parentOf(staged));
  return parent.kind === 'inside' ? { ...parent, path: childOf(parent.path, nameOf(staged)) } : parent;
}

function whatIs(path: StagedPath): { readonly to: string } | 'directory' | 'file' | 'missing' {
  const stat = lstatIfAny(path);
  if (stat === undefined) return 'missing';
  if (stat.kind === 'symlink') return { to: readlinkSync(path) };
  return stat.kind === 'directory' ? 'directory' : 'file';
}
