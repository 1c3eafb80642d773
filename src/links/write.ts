import { lstatSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { makeDirectory, withDirectory } from '../files/directory.ts';
import { parentOf, type StagedPath } from '../files/path.ts';
import { replaceByContent, replaceByLink } from '../files/replace.ts';
import { type LinkResult, type NotLinked, refusals } from './apply.ts';
import { pycFile, type ReadPyc, readPycOf } from './fingerprint.ts';
import { groupByInode, isLinked } from './group.ts';

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
 * links. Existing files are replaced in one step. A failure does not affect the other pycs.
 * @param link if false, all are written as separate files
 */
export function writeLinked(pycs: readonly NewPyc[], link: boolean): WriteResult {
  const [first] = pycs;
  if (first === undefined) return { groups: [], notLinked: [], replaced: [], failed: [] };
  try {
    return inCache(parentOf(first.path), () => writeAll(pycs, link));
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

function writeAll(pycs: readonly NewPyc[], link: boolean): WriteResult {
  const files: ReadPyc[] = [];
  const written: ReadPyc[] = [];
  const notLinked: NotLinked[] = [];
  const failed: WriteResult['failed'][number][] = [];
  for (const pyc of pycs) {
    const twin = link
      ? written.find(({ content }) => content === pyc.content || content.equals(pyc.content))
      : undefined;
    try {
      const refusal = twin && linkTo(twin, pyc.path);
      if (twin !== undefined && refusal === undefined) {
        files.push({ ...twin, path: pyc.path });
        continue;
      }
      const file = writePyc(pyc);
      if (refusal !== undefined) notLinked.push(refusal);
      files.push(file);
      written.push(file);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      failed.push({ path: pyc.path, error });
    }
  }
  return { groups: groupByInode(files), notLinked, replaced: [], failed };
}

/** Writes a pyc, and replaces what is there. @throws the system's error */
function writePyc({ path, content, mode }: NewPyc): ReadPyc {
  return readPycOf(path, replaceByContent(path, [content], mode), content);
}

/**
 * Links a name to a file that was just written, and replaces what is there.
 * @returns why not, if the file system refuses
 */
export function linkTo(file: ReadPyc, path: StagedPath): NotLinked | undefined {
  try {
    const replaced = replaceByLink(path, file.path, (temporary) => isLinked(file, pycFile(path, lstatSync(temporary))));
    return replaced ? undefined : { path, reason: 'changed-meanwhile' };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== undefined && refusals.has(errno)) return { path, reason: 'link-refused', errno };
    throw error;
  }
}
