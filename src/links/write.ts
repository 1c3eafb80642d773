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

/**
 * Writes pycs that may be linked with each other, and each content once: the other names of it become links. What is
 * in their place is replaced in one step.
 * @param link false: each is written
 * @throws the system's error if a pyc cannot be written
 */
export function writeLinked(pycs: readonly NewPyc[], link: boolean): LinkResult<ReadPyc> {
  const files: ReadPyc[] = [];
  const written: ReadPyc[] = [];
  const notLinked: NotLinked[] = [];
  for (const pyc of pycs) {
    const twin = link
      ? written.find(({ content }) => content === pyc.content || content.equals(pyc.content))
      : undefined;
    const refusal = twin && linkTo(twin, pyc.path);
    if (twin !== undefined && refusal === undefined) {
      files.push({ ...twin, path: pyc.path });
      continue;
    }
    if (refusal !== undefined) notLinked.push(refusal);
    const file = writePyc(pyc);
    files.push(file);
    written.push(file);
  }
  return { groups: groupByInode(files), notLinked, replaced: [] };
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
