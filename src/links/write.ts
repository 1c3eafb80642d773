import { errnoOf } from '../errors.ts';
import { ownersAreFaked } from '../files/attribute-helper.ts';
import { isLikeNew } from '../files/credentials.ts';
import { makeDirectory, withDirectory } from '../files/directory.ts';
import { ifErrno, ifPossible, ifRefused } from '../files/if-possible.ts';
import { parentOf, type StagedPath } from '../files/path.ts';
import { replaceByContent } from '../files/replace.ts';
import { type FileStat, lstatIfAny } from '../files/stat.ts';
import type { Pyc } from '../pyc/pyc.ts';
import type { LinkResult } from './apply.ts';
import { type ReadPyc, readPyc, readPycOf } from './fingerprint.ts';
import { groupByFile } from './group.ts';
import { linkName, type NotLinked } from './link-name.ts';

/** What is written of a pyc. */
type NewPyc = Omit<Pyc, 'level'>;

/** The outcome of writing pycs. */
interface WriteResult extends LinkResult<ReadPyc> {
  /** The pycs that could not be written, with the system's error. An old file stays; it is a result if it is equal. */
  readonly failed: readonly { readonly path: StagedPath; readonly error: unknown }[];
  /** The number of pycs that were already in place. */
  readonly kept: number;
  /** The pycs that were not written, because their paths exist and are neither files nor symlinks. */
  readonly taken: readonly { readonly path: StagedPath; readonly by: 'directory' | 'other' }[];
}

/**
 * Writes pycs of one directory that may be linked. Writes each distinct content once and links its other names. Does
 * not touch pycs that are already in place. Replaces other files and symlinks in one step, but nothing else. A failure
 * does not affect the other pycs.
 * @param link if false, all are written as separate files
 * @param mayBeThere false if nothing is known to exist; existing pycs are then replaced
 */
export function writeLinked(pycs: readonly NewPyc[], link: boolean, mayBeThere = true): WriteResult {
  const [first] = pycs;
  if (first === undefined) return nothingWritten;
  return ifRefused(
    () => inCache(parentOf(first.path), () => writeAll(pycs, link, mayBeThere)),
    (error) => ({ ...nothingWritten, failed: pycs.map(({ path }) => ({ path, error })) }),
  );
}

const nothingWritten: WriteResult = { groups: [], notLinked: [], replaced: [], failed: [], kept: 0, taken: [] };

/** Holds the `__pycache__` while `work` runs. Creates it if it is missing. @throws the system's error */
function inCache<T>(directory: StagedPath, work: () => T): T {
  const held = () => withDirectory(directory, work);
  return ifErrno('ENOENT', held, () => {
    makeDirectory(directory);
    return held();
  });
}

function writeAll(pycs: readonly NewPyc[], link: boolean, mayBeThere: boolean): WriteResult {
  const done: WriteOutcome = { files: [], kept: 0, notLinked: [], failed: [] };
  // If something is there against expectation, it is replaced all the same.
  const planned: KnownName[] = [];
  const taken: WriteResult['taken'][number][] = [];
  for (const pyc of pycs) {
    const old = mayBeThere ? lstatIfAny(pyc.path) : undefined;
    if (old?.kind === 'directory' || old?.kind === 'other') taken.push({ path: pyc.path, by: old.kind });
    else planned.push({ ...pyc, old });
  }
  for (const names of link ? groupByContent(planned) : planned.map((pyc) => [pyc])) writeContent(names, done);
  const { files, kept, notLinked, failed } = done;
  return { groups: groupByFile(files), notLinked, replaced: [], failed, kept, taken };
}

/** A pyc to write, and the existing file. */
interface KnownName extends NewPyc {
  readonly old: FileStat | undefined;
}

interface WriteOutcome {
  readonly files: ReadPyc[];
  kept: number;
  readonly notLinked: NotLinked[];
  readonly failed: WriteResult['failed'][number][];
}

/** Groups names by content. */
function groupByContent(pycs: readonly KnownName[]): KnownName[][] {
  const groups: KnownName[][] = [];
  for (const pyc of pycs) {
    const group = groups.find(([first]) => first?.content === pyc.content || first?.content.equals(pyc.content));
    if (group === undefined) groups.push([pyc]);
    else group.push(pyc);
  }
  return groups;
}

/** Writes a content under all of its names as one file, and adds to the result. */
function writeContent(names: readonly KnownName[], done: WriteOutcome): void {
  const { files, notLinked, failed } = done;
  const kept = ifPossible(() => unchanged(names));
  if (kept !== undefined) {
    files.push(...names.map(({ path }) => ({ ...kept, path })));
    done.kept += names.length;
    return;
  }
  /** The file that further names are linked to. */
  let written: ReadPyc | undefined;
  for (const pyc of names) {
    const { path, old } = pyc;
    try {
      const linked = written && linkName(written, path, old === undefined ? 'nothing' : undefined);
      const refusal = linked && 'reason' in linked ? linked : undefined;
      if (written !== undefined && refusal === undefined) {
        files.push({ ...written, path });
        continue;
      }
      const kept = refusal && ifPossible(() => unchanged([pyc]));
      if (kept !== undefined) done.kept += 1;
      const own = kept ?? writePyc(pyc);
      files.push(own);
      if (refusal !== undefined) notLinked.push(refusal);
      if (written === undefined || refusal?.errno === 'EMLINK') written = own;
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      failed.push({ path, error });
      const left = ifPossible(() => readPyc(path));
      if (left?.content.equals(pyc.content) !== true) continue;
      files.push(left);
      done.kept += 1;
    }
  }
}

/**
 * The existing file of all these names, if writing would give the same and it has no other names: then no data has to
 * be written to disk. A kept file never gets another name, because its ACL could let others read that name too.
 */
function unchanged(names: readonly KnownName[]): ReadPyc | undefined {
  const [{ path, content, mode, old }] = names as readonly [KnownName];
  const isAlike =
    !ownersAreFaked &&
    old?.kind === 'file' &&
    old.sizeBytes === content.length &&
    old.links === names.length &&
    names.every((other) => other.old?.identity === old.identity) &&
    isLikeNew(old, mode);
  const file = isAlike ? readPyc(path) : undefined;
  return file?.content.equals(content) && file.identity === old?.identity
    ? Object.assign(file, { content })
    : undefined;
}

/** Writes a pyc, and replaces what is there. @throws the system's error */
function writePyc({ path, content, mode }: NewPyc): ReadPyc {
  return readPycOf(path, replaceByContent(path, [content], mode), content);
}
