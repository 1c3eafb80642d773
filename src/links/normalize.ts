import { errnoOf } from '../errors.ts';
import { ifRefused } from '../files/if-possible.ts';
import type { StagedPath } from '../files/path.ts';
import { rewriteFile } from '../files/replace.ts';
import { lstat, secondsOf } from '../files/stat.ts';
import { hasBytesBehindCode, normalizePyc } from '../marshal/normalize-pyc.ts';
import { isStill, namesOfFiles, type ReadPyc, readPycOf } from './fingerprint.ts';
import { linkName } from './link-name.ts';

/** Normalized pycs, and those that cannot be normalized. */
interface NormalizedFiles {
  readonly pycs: readonly ReadPyc[];
  /** How many of them were not normalized before. */
  readonly normalized: number;
  readonly notNormalized: readonly { readonly path: StagedPath; readonly message: string }[];
  /** Pycs that could not be written, with the system's error. They are unchanged. */
  readonly failed: readonly { readonly path: StagedPath; readonly error: unknown }[];
}

/**
 * Normalizes existing pycs. Keeps mode, owner, mtime and the links among them. Leaves a file as it is if it
 * has hard links besides these pycs.
 * @param dryRun writes nothing, and returns the pycs as they would be
 */
export function normalizeFiles(pycs: readonly ReadPyc[], dryRun: boolean): NormalizedFiles {
  const done: ReadPyc[] = [];
  const notNormalized: NormalizedFiles['notNormalized'][number][] = [];
  const failed: NormalizedFiles['failed'][number][] = [];
  let count = 0;
  for (const group of namesOfFiles(pycs)) {
    const rewritten = normalizeGroup(group, dryRun);
    if ('unreadable' in rewritten) {
      notNormalized.push(...group.map(({ path }) => ({ path, message: rewritten.unreadable })));
      done.push(...group);
    } else {
      done.push(...rewritten.pycs);
      failed.push(...rewritten.failed);
      if (rewritten.isNew) count += rewritten.pycs.length - rewritten.failed.length;
    }
  }
  return { pycs: done, normalized: count, notNormalized, failed };
}

/** Refuses a pyc with bytes after the code: they may be there on purpose, and normalizing would drop them. */
function normalForm(pyc: Buffer): ReturnType<typeof normalizePyc> {
  const normal = normalizePyc(pyc);
  return normal !== pyc && hasBytesBehindCode(pyc) ? { unreadable: 'bytes follow the end of the code' } : normal;
}

/** @param group names of one file */
function normalizeGroup(group: readonly ReadPyc[], dryRun: boolean) {
  const [first] = group as readonly [ReadPyc];
  const content = normalForm(first.content);
  if ('unreadable' in content) return content;
  const failed: NormalizedFiles['failed'][number][] = [];
  if (content === first.content) return { pycs: group, isNew: false, failed };
  try {
    if (lstat(first.path).links > group.length) return { unreadable: 'the file has another hard link elsewhere' };
    if (dryRun)
      return { pycs: group.map((pyc) => ({ ...pyc, content, sizeBytes: content.length })), isNew: true, failed };
    const written = rewrite(first, content);
    if (written === undefined) return { unreadable: 'the file changed while it was read' };
    const pycs = [written];
    for (const pyc of group.slice(1)) {
      const keep = (error: unknown) => {
        failed.push({ path: pyc.path, error });
        return pyc;
      };
      pycs.push(ifRefused(() => linkOrRewrite(written, pyc), keep));
    }
    return { pycs, isNew: true, failed };
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { pycs: group, isNew: false, failed: group.map(({ path }) => ({ path, error })) };
  }
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
