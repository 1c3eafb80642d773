import { chmodSync, chownSync, copyFileSync, linkSync, lstatSync, utimesSync } from 'node:fs';
import { errnoOf, PyclinkError } from '../errors.ts';
import type { MtimePolicy } from './mtime-policy.ts';
import type { Buildroot, StagedPath } from './path.ts';
import { replaceFile } from './replace.ts';
import type { Source } from './source.ts';
import { walk } from './walk.ts';

/**
 * Gives sources the mtime that they will have in the package, so that their pycs are still valid there. A file that is
 * hard-linked to something outside the buildroot is separated from it first.
 * @returns the sources as they are now
 * @throws PyclinkError `file-failed`
 */
export function applyMtimePolicy(buildroot: Buildroot, sources: readonly Source[], policy: MtimePolicy): Source[] {
  if (policy.policy === 'keep') return [...sources];
  const { epochSeconds } = policy;
  const isDue = ({ mtimeSeconds }: Source) =>
    policy.policy === 'set' ? mtimeSeconds !== epochSeconds : mtimeSeconds > epochSeconds;
  const due = new Set(sources.filter(isDue).map((source) => source.content));
  const shared: StagedPath[] = [];
  for (const path of due) {
    attempt(path, () => {
      const stat = lstatSync(path);
      if (stat.nlink > 1) shared.push(path);
      else utimesSync(path, stat.atime, epochSeconds);
    });
  }
  if (shared.length > 0) setMtimeOfShared(buildroot, shared, epochSeconds);
  return sources.map((source) => (due.has(source.content) ? { ...source, mtimeSeconds: epochSeconds } : source));
}

/** For files with several names: all names inside the buildroot stay one file, names outside do not see the change. */
function setMtimeOfShared(buildroot: Buildroot, paths: readonly StagedPath[], epochSeconds: number): void {
  const names = namesByInode(buildroot);
  const done = new Set<string>();
  for (const path of paths) {
    attempt(path, () => {
      const stat = lstatSync(path);
      const inside = names.get(inodeOf(stat)) ?? [path];
      if (done.has(inodeOf(stat))) return;
      const alone = inside.length === stat.nlink ? path : separate(inside);
      utimesSync(alone, stat.atime, epochSeconds);
      done.add(inodeOf(lstatSync(alone)));
    });
  }
}

/** Makes these names of a file a file of their own. */
function separate(names: readonly StagedPath[]): StagedPath {
  const [first, ...others] = names as [StagedPath, ...StagedPath[]];
  const { mode, uid, gid } = lstatSync(first);
  replaceFile(first, (temporary) => {
    copyFileSync(first, temporary);
    chownSync(temporary, uid, gid);
    chmodSync(temporary, mode);
  });
  for (const other of others) replaceFile(other, (temporary) => linkSync(first, temporary));
  return first;
}

function namesByInode(buildroot: Buildroot): Map<string, StagedPath[]> {
  const names = new Map<string, StagedPath[]>();
  for (const { path, type } of walk(buildroot.path, ['*']).found) {
    if (type !== 'file') continue;
    const inode = inodeOf(lstatSync(path));
    names.set(inode, [...(names.get(inode) ?? []), path]);
  }
  return names;
}

function inodeOf(stat: { readonly dev: number; readonly ino: number }): string {
  return `${stat.dev}:${stat.ino}`;
}

function attempt(path: StagedPath, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new PyclinkError('file-failed', `its mtime cannot be set (${errnoOf(error)})`, { path, cause: error });
  }
}
