import { futimesSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, PyclinkError } from '../errors.ts';
import { withDirectory } from '../files/directory.ts';
import { nameOf, parentOf, type StagedPath } from '../files/path.ts';
import { readRegular, withRegular } from '../files/read-regular.ts';
import { replaceByLink, rewriteFile } from '../files/replace.ts';
import { type FileIdentity, lstat, secondsOf } from '../files/stat.ts';
import type { MtimePolicy } from './mtime-policy.ts';
import type { Buildroot } from './path.ts';
import { walkLimits } from './running-system.ts';
import type { SourceFile } from './source.ts';
import { walk } from './walk.ts';

/**
 * Gives sources the mtime that they will have in the package, so that their pycs stay valid. A file that has a hard
 * link outside the buildroot becomes a separate file first.
 * @returns the sources as they are now
 * @throws PyclinkError `file-failed`
 */
export function applyMtimePolicy<S extends SourceFile>(
  buildroot: Buildroot,
  sources: readonly S[],
  policy: MtimePolicy,
): S[] {
  if (policy.policy === 'keep') return [...sources];
  const { epochSeconds } = policy;
  const isDue = ({ mtimeSeconds }: S) =>
    policy.policy === 'set' ? mtimeSeconds !== epochSeconds : mtimeSeconds > epochSeconds;
  const due = new Set(sources.filter(isDue).map((source) => source.content));
  const shared: StagedPath[] = [];
  for (const path of due) {
    attempt(path, () => {
      if (!setMtime(path, 1, epochSeconds)) shared.push(path);
    });
  }
  if (shared.length > 0) setMtimeOfShared(buildroot, shared, epochSeconds);
  return sources.map((source) => (due.has(source.content) ? { ...source, mtimeSeconds: epochSeconds } : source));
}

/** For files with several names: the names in the buildroot stay one file, names outside keep their mtime. */
function setMtimeOfShared(buildroot: Buildroot, paths: readonly StagedPath[], epochSeconds: number): void {
  const names = namesByIdentity(buildroot);
  const done = new Set<FileIdentity>();
  for (const path of paths) {
    attempt(path, () => {
      const { identity } = lstat(path);
      const inside = names.get(identity) ?? [path];
      if (done.has(identity)) return;
      if (!setMtime(path, inside.length, epochSeconds)) separate(inside, identity, epochSeconds);
      done.add(lstat(path).identity);
    });
  }
}

/**
 * Sets the mtime of a file if its link count is `names`. A file that cannot be read is left for the compiler to report.
 * @returns whether it is
 */
function setMtime(path: StagedPath, names: number, epochSeconds: number): boolean {
  try {
    return withDirectory(parentOf(path), (held) => {
      const isDone = withRegular(join(held, nameOf(path)), (descriptor, stat) => {
        if (stat.links === names) futimesSync(descriptor, secondsOf(stat.accessedNs), epochSeconds);
        return stat.links === names;
      });
      if (isDone === undefined) throw Object.assign(new Error('ENOENT: it is gone'), { code: 'ENOENT' });
      return isDone;
    });
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error;
    return true;
  }
}

/** Makes these names of a file a separate file with another mtime. */
function separate(names: readonly StagedPath[], identity: FileIdentity, epochSeconds: number): void {
  const [first, ...others] = names as [StagedPath, ...StagedPath[]];
  const file = readRegular(first);
  if (file?.stat.identity !== identity) return;
  const { mode, userId, groupId, accessedNs } = file.stat;
  const attributes = {
    mode,
    userId,
    groupId,
    accessedSeconds: secondsOf(accessedNs),
    modifiedSeconds: epochSeconds,
  };
  const isStill = (name: string) => lstat(name).identity === identity;
  if (rewriteFile(first, file.content, attributes, isStill) === undefined) return;
  for (const other of others) replaceByLink(other, first, (_, old) => isStill(old));
}

function namesByIdentity(buildroot: Buildroot): Map<FileIdentity, StagedPath[]> {
  const names = new Map<FileIdentity, StagedPath[]>();
  for (const { path, type } of walk(buildroot.path, ['*'], walkLimits(buildroot)).found) {
    if (type !== 'file') continue;
    const { identity } = lstat(path);
    names.set(identity, [...(names.get(identity) ?? []), path]);
  }
  return names;
}

function attempt(path: StagedPath, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new PyclinkError('file-failed', `its mtime cannot be set (${errnoOf(error)})`, { path, cause: error });
  }
}
