import { errnoOf } from '../errors.ts';
import { ownersAreFaked } from '../files/attribute-helper.ts';
import { isLikeNew } from '../files/credentials.ts';
import { makeDirectory, withDirectory } from '../files/directory.ts';
import { ifPossible } from '../files/if-possible.ts';
import { parentOf, type StagedPath } from '../files/path.ts';
import { replaceByContent } from '../files/replace.ts';
import { type FileStat, lstatIfAny } from '../files/stat.ts';
import type { LinkResult } from './apply.ts';
import { type ReadPyc, readPyc, readPycOf } from './fingerprint.ts';
import { groupByFile } from './group.ts';
import { linkName, type NotLinked } from './link-name.ts';

/** A pyc to write. */
interface NewPyc {
  readonly path: StagedPath;
  readonly content: Buffer;
  /** Permission bits, less the umask. */
  readonly mode: number;
}

/** The outcome of writing pycs. */
interface WriteResult extends LinkResult<ReadPyc> {
  /** The pycs that could not be written, with the system's error. An old file is unchanged. */
  readonly failed: readonly { readonly path: StagedPath; readonly error: unknown }[];
  /** How many pycs were there already as they should be. */
  readonly kept: number;
  /** The pycs that were not written, because something that is no file and no symlink has their names. */
  readonly taken: readonly { readonly path: StagedPath; readonly by: 'directory' | 'other' }[];
}

/**
 * Writes pycs of one directory that may be linked with each other. Each content is written once, its other names become
 * links. What is there already as it should be is left alone; other files, and symlinks, are replaced in one step. Anything
 * else that is there stays. A failure does not affect the other pycs.
 * @param link if false, all are written as separate files
 * @param mayBeThere false: nothing is known to be there, and what is there is not kept
 */
export function writeLinked(pycs: readonly NewPyc[], link: boolean, mayBeThere = true): WriteResult {
  const [first] = pycs;
  if (first === undefined) return nothingWritten;
  try {
    return inCache(parentOf(first.path), () => writeAll(pycs, link, mayBeThere));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { ...nothingWritten, failed: pycs.map(({ path }) => ({ path, error })) };
  }
}

const nothingWritten: WriteResult = { groups: [], notLinked: [], replaced: [], failed: [], kept: 0, taken: [] };

/** Works while the `__pycache__` is held, which is made if it is missing. @throws the system's error */
function inCache<T>(directory: StagedPath, work: () => T): T {
  try {
    return withDirectory(directory, work);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeDirectory(directory);
    return withDirectory(directory, work);
  }
}

function writeAll(pycs: readonly NewPyc[], link: boolean, mayBeThere: boolean): WriteResult {
  const done: WriteOutcome = { files: [], kept: 0, notLinked: [], failed: [] };
  // If nothing should be there but something is, it is replaced all the same.
  const planned: PlannedPyc[] = [];
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

/** A pyc to write, and what is there. */
interface PlannedPyc extends NewPyc {
  readonly old: FileStat | undefined;
}

interface WriteOutcome {
  readonly files: ReadPyc[];
  kept: number;
  readonly notLinked: NotLinked[];
  readonly failed: WriteResult['failed'][number][];
}

/** The names of each content. */
function groupByContent(pycs: readonly PlannedPyc[]): PlannedPyc[][] {
  const groups: PlannedPyc[][] = [];
  for (const pyc of pycs) {
    const group = groups.find(([first]) => first?.content === pyc.content || first?.content.equals(pyc.content));
    if (group === undefined) groups.push([pyc]);
    else group.push(pyc);
  }
  return groups;
}

/** Writes a content under all of its names, which become one file, and adds what was done. */
function writeContent(names: readonly PlannedPyc[], done: WriteOutcome): void {
  const { files, notLinked, failed } = done;
  const kept = ifPossible(() => unchanged(names));
  if (kept !== undefined) {
    files.push(...names.map(({ path }) => ({ ...kept, path })));
    done.kept += names.length;
    return;
  }
  /** What further names are linked to. */
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
    }
  }
}

/**
 * The file that is there under all of these names, and has no other, if writing would give the same: a rename over it
 * would have its data written to disk. A file that is kept never gets another name here: who may read it by its ACL could
 * then read that too.
 */
function unchanged(names: readonly PlannedPyc[]): ReadPyc | undefined {
  const [{ path, content, mode, old }] = names as readonly [PlannedPyc];
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
