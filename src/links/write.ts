import { lstatSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { makeDirectory, withDirectory } from '../files/directory.ts';
import { parentOf, type StagedPath } from '../files/path.ts';
import { replaceByContent, replaceByLink } from '../files/replace.ts';
import { type LinkResult, type NotLinked, refusals } from './apply.ts';
import { pycFile, type ReadPyc, readPycOf } from './fingerprint.ts';
import { groupByInode, isLinked } from './group.ts';

/** A pyc that is to be. */
interface NewPyc {
  readonly path: StagedPath;
  readonly content: Buffer;
  /** Permission bits, less the umask. */
  readonly mode: number;
}

/** What became of pycs that were to be written. */
interface WriteResult extends LinkResult<ReadPyc> {
  /** What is not there, or is what it was before, with the system's error. */
  readonly failed: readonly { readonly path: StagedPath; readonly error: unknown }[];
}

/**
 * Writes pycs of one directory that may be linked with each other, and each content once: the other names of it become
 * links. What is in their place is replaced in one step. One that cannot be written costs no other.
 * @param link false: each is written
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

/** Does all this while the `__pycache__` is held, which is made if need be. @throws the system's error */
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

/** Writes a pyc in the place of what is there. @throws the system's error */
function writePyc({ path, content, mode }: NewPyc): ReadPyc {
  return readPycOf(path, replaceByContent(path, [content], mode), content);
}

/**
 * Puts a link to a file that was just written in the place of what is there.
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
