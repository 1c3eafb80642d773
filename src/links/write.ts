import { errnoOf } from '../errors.ts';
import { isLikeNew } from '../files/credentials.ts';
import { makeDirectory, withDirectory } from '../files/directory.ts';
import { parentOf, type StagedPath } from '../files/path.ts';
import { linkFreeName, replaceByContent, replaceByLink } from '../files/replace.ts';
import { type FileStat, lstatIfAny } from '../files/stat.ts';
import { type LinkResult, type NotLinked, refusals } from './apply.ts';
import { isSameVersion, isStill, pycFile, type ReadPyc, readPyc, readPycOf } from './fingerprint.ts';
import { groupByFile } from './group.ts';

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
}

/**
 * Writes pycs of one directory that may be linked with each other. Each content is written once, its other names become
 * links. What is there already as it should be is left alone, other files are replaced in one step. A failure does not
 * affect the other pycs.
 * @param link if false, all are written as separate files
 * @param mayBeThere false: nothing is known to be there, and what is there is not kept
 */
export function writeLinked(pycs: readonly NewPyc[], link: boolean, mayBeThere = true): WriteResult {
  const [first] = pycs;
  if (first === undefined) return { groups: [], notLinked: [], replaced: [], failed: [] };
  try {
    return inCache(parentOf(first.path), () => writeAll(pycs, link, mayBeThere));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { groups: [], notLinked: [], replaced: [], failed: pycs.map(({ path }) => ({ path, error })) };
  }
}

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
  const files: ReadPyc[] = [];
  const notLinked: NotLinked[] = [];
  const failed: WriteResult['failed'][number][] = [];
  // If nothing should be there but something is, it is replaced all the same.
  const old = mayBeThere ? pycs.map(({ path }) => lstatIfAny(path)) : [];
  const isSame = (a: NewPyc, b: NewPyc) => a.content === b.content || a.content.equals(b.content);
  /** The files that are not links to an earlier one. */
  const written: ReadPyc[] = [];
  for (const [i, pyc] of pycs.entries()) {
    const twin = link
      ? written.find(({ content }) => content === pyc.content || content.equals(pyc.content))
      : undefined;
    try {
      const refusal = twin && linkIfNeeded(twin, pyc.path, old[i]);
      if (twin !== undefined && refusal === undefined) {
        files.push({ ...twin, path: pyc.path });
        continue;
      }
      const names = pycs.filter(
        (other, j) =>
          old[i] !== undefined && old[i]?.identity === old[j]?.identity && (j === i || (link && isSame(pyc, other))),
      );
      const file = unchanged(pyc, old[i], names.length) ?? writePyc(pyc);
      if (refusal !== undefined) notLinked.push(refusal);
      files.push(file);
      written.push(file);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      failed.push({ path: pyc.path, error });
    }
  }
  return { groups: groupByFile(files), notLinked, replaced: [], failed };
}

/**
 * The file that is there, if writing would give the same: a rename over it would have its data written to disk.
 * @param names how many links it may have
 */
function unchanged({ path, content, mode }: NewPyc, old: FileStat | undefined, names: number): ReadPyc | undefined {
  const isAlike =
    old?.kind === 'file' && old.sizeBytes === content.length && old.links === names && isLikeNew(old, mode);
  const file = isAlike ? readPyc(path) : undefined;
  return file?.content.equals(content) && file.identity === old?.identity
    ? Object.assign(file, { content })
    : undefined;
}

/** Writes a pyc, and replaces what is there. @throws the system's error */
function writePyc({ path, content, mode }: NewPyc): ReadPyc {
  return readPycOf(path, replaceByContent(path, [content], mode), content);
}

function linkIfNeeded(file: ReadPyc, path: StagedPath, old: FileStat | undefined): NotLinked | undefined {
  return old !== undefined && isSameVersion(file, pycFile(path, old))
    ? undefined
    : linkTo(file, path, old === undefined);
}

/**
 * Links a name to a file of the same directory, and replaces what is there.
 * @param isFree whether there was nothing
 * @returns why not, if the file system refuses
 */
export function linkTo(file: ReadPyc, path: StagedPath, isFree = false): NotLinked | undefined {
  const isRight = (name: string) => isStill(file, name);
  try {
    const isDone = (isFree && linkFreeName(path, file.path, isRight)) || replaceByLink(path, file.path, isRight);
    return isDone ? undefined : { path, reason: 'changed-meanwhile' };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== undefined && refusals.has(errno)) return { path, reason: 'link-refused', errno };
    throw error;
  }
}
