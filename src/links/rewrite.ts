import { errnoOf, PyclinkError } from '../errors.ts';
import type { StagedPath } from '../files/path.ts';
import { rewriteFile } from '../files/replace.ts';
import { lstat, lstatIfAny, mayNumberNames, secondsOf } from '../files/stat.ts';
import { isAlike, isStill, type ReadPyc, readPycOf, sameContent } from './fingerprint.ts';
import { groupByFile } from './group.ts';
import { linkName } from './link-name.ts';

/** Pycs with their new contents, and those that have none. */
export interface RewrittenFiles {
  readonly pycs: readonly ReadPyc[];
  /** How many of them have another content than before. */
  readonly rewritten: number;
  readonly notRewritten: readonly { readonly path: StagedPath; readonly message: string }[];
}

/** The new content of a pyc, which may be the old one, or why there is none. */
type NewContent = (content: Buffer) => Buffer | { readonly unreadable: string };

/**
 * Gives existing pycs other contents. Mode, owner, mtime and the links among them stay. A file with further names is left
 * as it is.
 * @param dryRun writes nothing, and returns the pycs as they would be
 * @throws PyclinkError `file-failed` if a pyc cannot be written
 */
export function rewriteFiles(pycs: readonly ReadPyc[], newContent: NewContent, dryRun: boolean): RewrittenFiles {
  const done: ReadPyc[] = [];
  const notRewritten: RewrittenFiles['notRewritten'][number][] = [];
  let count = 0;
  for (const group of namesOfFiles(pycs)) {
    const rewritten = rewriteGroup(group, newContent, dryRun);
    if ('unreadable' in rewritten) {
      notRewritten.push(...group.map(({ path }) => ({ path, message: rewritten.unreadable })));
      done.push(...group);
    } else {
      done.push(...rewritten.pycs);
      if (rewritten.isNew) count += rewritten.pycs.length;
    }
  }
  return { pycs: done, rewritten: count, notRewritten };
}

/** @param group names of one file */
function rewriteGroup(group: readonly ReadPyc[], newContent: NewContent, dryRun: boolean) {
  const [first] = group as readonly [ReadPyc];
  const content = newContent(first.content);
  if ('unreadable' in content) return content;
  if (content === first.content) return { pycs: group, isNew: false };
  if (lstat(first.path).links > group.length) return { unreadable: 'the file has another name elsewhere' };
  if (dryRun) return { pycs: group.map((pyc) => ({ ...pyc, content })), isNew: true };
  const written = rewrite(first, content);
  if (written === undefined) return { unreadable: 'the file changed while it was read' };
  const linked = group
    .slice(1)
    .map((pyc) =>
      'reason' in linkName(written, pyc.path, pyc) ? (rewrite(pyc, content) ?? pyc) : { ...written, path: pyc.path },
    );
  return { pycs: [written, ...linked], isNew: true };
}

/** The names of each file, in the order given. */
export function namesOfFiles(pycs: readonly ReadPyc[]): (readonly ReadPyc[])[] {
  const left = new Set<readonly ReadPyc[]>(groupByFile(pycs));
  return Array.from(left, (group) => {
    left.delete(group);
    const [first] = group as readonly [ReadPyc];
    const hidden = (lstatIfAny(first.path)?.links ?? 0) > group.length ? hiddenNames(first, left) : [];
    for (const other of hidden) left.delete(other);
    return [...group, ...hidden.flat()];
  });
}

/** What may be further names of a file, where the file system does not say so: files alike in all but their identities. */
function hiddenNames(file: ReadPyc, others: ReadonlySet<readonly ReadPyc[]>): (readonly ReadPyc[])[] {
  if (!mayNumberNames(file.path)) return [];
  return [...others].filter(([other]) => other && isAlike(file, other) && sameContent(file, other));
}

/** @returns undefined if it is no longer the file that was read */
function rewrite(pyc: ReadPyc, content: Buffer): ReadPyc | undefined {
  const { path } = pyc;
  const seconds = secondsOf(pyc.modifiedNs);
  const attributes = { ...pyc, accessedSeconds: seconds, modifiedSeconds: seconds };
  try {
    const stat = rewriteFile(path, content, attributes, (name) => isStill(pyc, name));
    return stat && readPycOf(path, stat, content);
  } catch (error) {
    throw new PyclinkError('file-failed', `cannot be written anew (${errnoOf(error)})`, { path, cause: error });
  }
}
