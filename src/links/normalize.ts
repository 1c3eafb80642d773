import { lstatSync } from 'node:fs';
import { errnoOf, PyclinkError } from '../errors.ts';
import type { StagedPath } from '../files/path.ts';
import { rewriteFile } from '../files/replace.ts';
import { normalizePyc } from '../marshal/normalize-pyc.ts';
import { isStill, type ReadPyc, readPycOf } from './fingerprint.ts';
import { groupByInode } from './group.ts';
import { linkTo } from './write.ts';

/** Pycs in normal form, and those that have none. */
export interface NormalizedFiles {
  readonly pycs: readonly ReadPyc[];
  /** How many of them were not so before. */
  readonly normalized: number;
  readonly notNormalized: readonly { readonly path: StagedPath; readonly message: string }[];
}

/**
 * Brings existing pycs into normal form. Mode, owner, mtime and the links among them stay. A file with further names is
 * left as it is.
 * @param dryRun writes nothing, and returns the pycs as they would be
 * @throws PyclinkError `file-failed` if a pyc cannot be written
 */
export function normalizeFiles(pycs: readonly ReadPyc[], dryRun: boolean): NormalizedFiles {
  const done: ReadPyc[] = [];
  const notNormalized: NormalizedFiles['notNormalized'][number][] = [];
  let count = 0;
  for (const group of groupByInode(pycs)) {
    const normalized = normalizeGroup(group, dryRun);
    if ('unreadable' in normalized) {
      notNormalized.push(...group.map(({ path }) => ({ path, message: normalized.unreadable })));
      done.push(...group);
    } else {
      done.push(...normalized.pycs);
      if (normalized.isNew) count += group.length;
    }
  }
  return { pycs: done, normalized: count, notNormalized };
}

/** @param group names of one file */
function normalizeGroup(group: readonly ReadPyc[], dryRun: boolean) {
  const [first, ...others] = group as [ReadPyc, ...ReadPyc[]];
  const content = normalizePyc(first.content);
  if ('unreadable' in content) return content;
  if (content === first.content) return { pycs: group, isNew: false };
  if (lstatSync(first.path).nlink > group.length) return { unreadable: 'the file has another name elsewhere' };
  if (dryRun) return { pycs: group.map((pyc) => ({ ...pyc, content })), isNew: true };
  const written = rewrite(first, content);
  if (written === undefined) return { unreadable: 'the file changed while it was read' };
  const linked = others.map((pyc) =>
    linkTo(written, pyc.path) === undefined ? { ...written, path: pyc.path } : (rewrite(pyc, content) ?? pyc),
  );
  return { pycs: [written, ...linked], isNew: true };
}

/** @returns undefined if it is no longer the file that was read */
function rewrite(pyc: ReadPyc, content: Buffer): ReadPyc | undefined {
  const { path, modifiedMs } = pyc;
  const attributes = { ...pyc, accessedSeconds: modifiedMs / 1000, modifiedSeconds: modifiedMs / 1000 };
  try {
    const stat = rewriteFile(path, content, attributes, (name) => isStill(pyc, name));
    return stat && readPycOf(path, stat, content);
  } catch (error) {
    throw new PyclinkError('file-failed', `cannot be written in normal form (${errnoOf(error)})`, {
      path,
      cause: error,
    });
  }
}
