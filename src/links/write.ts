import { closeSync, fstatSync, linkSync, lstatSync, openSync, type Stats, writeFileSync } from 'node:fs';
import type { StagedPath } from '../buildroot/path.ts';
import { replaceFile } from '../buildroot/replace.ts';
import { errnoOf } from '../errors.ts';
import { type LinkResult, type NotLinked, refusals } from './apply.ts';
import { pycFile, type ReadPyc } from './fingerprint.ts';
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
 * Writes pycs that may be linked with each other, and each content once: the other names of it become links. What is
 * in their place is replaced in one step. One that cannot be written costs no other.
 * @param link false: each is written
 */
export function writeLinked(pycs: readonly NewPyc[], link: boolean): WriteResult {
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

/**
 * Writes a pyc in the place of what is there.
 * @param finish what else is to be done to the new file before it gets its name
 * @throws the system's error
 */
export function writePyc({ path, content, mode }: NewPyc, finish: (descriptor: number) => void = () => {}): ReadPyc {
  let stat: Stats | undefined;
  replaceFile(path, (temporary) => {
    const descriptor = openSync(temporary, 'wx', mode);
    try {
      writeFileSync(descriptor, content);
      finish(descriptor);
      stat = fstatSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
  return { ...pycFile(path, stat as Stats), content };
}

/**
 * Puts a link to a file that was just written in the place of what is there.
 * @returns why not, if the file system refuses
 */
export function linkTo(file: ReadPyc, path: StagedPath): NotLinked | undefined {
  try {
    const replaced = replaceFile(
      path,
      (temporary) => linkSync(file.path, temporary),
      (temporary) => isLinked(file, pycFile(path, lstatSync(temporary))),
    );
    return replaced ? undefined : { path, reason: 'changed-meanwhile' };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== undefined && refusals.has(errno)) return { path, reason: 'link-refused', errno };
    throw error;
  }
}
