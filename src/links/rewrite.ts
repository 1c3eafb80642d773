import { errnoOf } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import type { StagedPath } from '../files/path.ts';
import { rewriteFile } from '../files/replace.ts';
import { lstat, lstatIfAny, mayNumberNames, secondsOf } from '../files/stat.ts';
import { isAlike, isStill, type ReadPyc, readPycOf, sameContent } from './fingerprint.ts';
import { groupByFile } from './group.ts';
import { linkName } from './link-name.ts';

/** Rewritten pycs, and those that have no new content. */
export interface RewrittenFiles {
  readonly pycs: readonly ReadPyc[];
  /** How many of them have changed. */
  readonly rewritten: number;
  readonly notRewritten: readonly { readonly path: StagedPath; readonly message: string }[];
  /** Pycs that could not be written, with the system's error. They are unchanged. */
  readonly failed: readonly { readonly path: StagedPath; readonly error: unknown }[];
}

/** Returns the new content of a pyc, which may be the old one, or the reason why there is none. */
type NewContent = (content: Buffer) => Buffer | { readonly unreadable: string };

/**
 * Replaces the contents of existing pycs. Keeps mode, owner, mtime and the links among them. Does not change a file
 * with other names.
 * @param dryRun writes nothing, and returns the pycs as they would be
 */
export function rewriteFiles(pycs: readonly ReadPyc[], newContent: NewContent, dryRun: boolean): RewrittenFiles {
  const done: ReadPyc[] = [];
  const notRewritten: RewrittenFiles['notRewritten'][number][] = [];
  const failed: RewrittenFiles['failed'][number][] = [];
  let count = 0;
  for (const group of namesOfFiles(pycs)) {
    const rewritten = rewriteGroup(group, newContent, dryRun);
    if ('unreadable' in rewritten) {
      notRewritten.push(...group.map(({ path }) => ({ path, message: rewritten.unreadable })));
      done.push(...group);
    } else {
      done.push(...rewritten.pycs);
      failed.push(...rewritten.failed);
      if (rewritten.isNew) count += rewritten.pycs.length - rewritten.failed.length;
    }
  }
  return { pycs: done, rewritten: count, notRewritten, failed };
}

/** @param group names of one file */
function rewriteGroup(group: readonly ReadPyc[], newContent: NewContent, dryRun: boolean) {
  const [first] = group as readonly [ReadPyc];
  const content = newContent(first.content);
  if ('unreadable' in content) return content;
  const failed: RewrittenFiles['failed'][number][] = [];
  if (content === first.content) return { pycs: group, isNew: false, failed };
  try {
    if (lstat(first.path).links > group.length) return { unreadable: 'the file has another hard link elsewhere' };
    if (dryRun)
      return { pycs: group.map((pyc) => ({ ...pyc, content, sizeBytes: content.length })), isNew: true, failed };
    const written = rewrite(first, content);
    if (written === undefined) return { unreadable: 'the file changed while it was read' };
    const pycs = [written];
    for (const pyc of group.slice(1)) {
      try {
        pycs.push(linkOrRewrite(written, pyc));
      } catch (error) {
        if (errnoOf(error) === undefined) throw error;
        failed.push({ path: pyc.path, error });
        pycs.push(pyc);
      }
    }
    return { pycs, isNew: true, failed };
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { pycs: group, isNew: false, failed: group.map(({ path }) => ({ path, error })) };
  }
}

/** The names of each file, in the order given. */
export function namesOfFiles(pycs: readonly ReadPyc[]): (readonly ReadPyc[])[] {
  const left = new Set<readonly ReadPyc[]>(groupByFile(pycs));
  return Array.from(left, (group) => {
    left.delete(group);
    const [first] = group as readonly [ReadPyc];
    const links = ifPossible(() => lstatIfAny(first.path))?.links ?? 0;
    const hidden = links > group.length ? hiddenNames(first, left) : [];
    for (const other of hidden) left.delete(other);
    return [...group, ...hidden.flat()];
  });
}

/** Possible further names of a file, if the file system does not tell: files that differ only in their identities. */
function hiddenNames(file: ReadPyc, others: ReadonlySet<readonly ReadPyc[]>): (readonly ReadPyc[])[] {
  if (!mayNumberNames(file.path)) return [];
  return [...others].filter(([other]) => other && isAlike(file, other) && sameContent(file, other));
}

/** Links a name to the rewritten file, or else rewrites it too. @throws the system's error */
function linkOrRewrite(written: ReadPyc, pyc: ReadPyc): ReadPyc {
  return 'reason' in linkName(written, pyc.path, pyc)
    ? (rewrite(pyc, written.content) ?? pyc)
    : { ...written, path: pyc.path };
}

/** @returns undefined if it no longer is the file that was read @throws the system's error */
function rewrite(pyc: ReadPyc, content: Buffer): ReadPyc | undefined {
  const { path } = pyc;
  const seconds = secondsOf(pyc.modifiedNs);
  const attributes = { mode: pyc.mode, accessedSeconds: seconds, modifiedSeconds: seconds };
  const stat = rewriteFile(path, content, attributes, (name) => isStill(pyc, name));
  return stat && readPycOf(path, stat, content);
}
