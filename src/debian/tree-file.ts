import { readdirSync, rmdirSync } from 'node:fs';
import { openTree } from '../buildroot/open.ts';
import { type Buildroot, toStaged } from '../buildroot/path.ts';
import { resolveInBuildroot, resolveParent } from '../buildroot/resolve.ts';
import { PyclinkError } from '../errors.ts';
import { makeDirectory, withDirectory } from '../files/directory.ts';
import { childOf, nameOf, parentOf, type StagedPath } from '../files/path.ts';
import { readRegular } from '../files/read-regular.ts';
import { removeFile, replaceContent } from '../files/replace.ts';
import { lstatIfAny } from '../files/stat.ts';

/**
 * Adds lines to a file of a package, unless the file has them. Makes the file and its directories.
 * @param tree absolute, without symlinks
 * @param path as installed
 * @throws PyclinkError `file-failed` if a symlink leads out of the tree; the system's error
 */
export function addToTree(tree: string, path: string, text: string): void {
  const file = makePlace(openTree(tree), path);
  const before = textOf(file) ?? '';
  const linesOf = (lines: string) => lines.split('\n').filter((line) => line !== '');
  const added = linesOf(asBytes(text)).filter((line) => !linesOf(before).includes(line));
  if (added.length === 0) return;
  const end = before === '' || before.endsWith('\n') ? '' : '\n';
  replaceContent(file, [Buffer.from(`${before}${end}${added.join('\n')}\n`, 'latin1')]);
}

/**
 * Changes the text of a file in a tree, if it exists. If no text is left, removes the file, and then each directory above
 * it that is empty.
 * @param change gets and returns one character for each byte, because the text may not be UTF-8
 * @throws the system's error
 */
export function editInTree(tree: string, path: string, change: (text: string) => string): void {
  const buildroot = openTree(tree);
  const resolved = resolveParent(buildroot, toStaged(buildroot, path));
  if (resolved.kind !== 'inside') return;
  const text = textOf(resolved.path);
  if (text === undefined) return;
  const changed = change(text);
  if (changed.trim() !== '') {
    if (changed !== text) replaceContent(resolved.path, [Buffer.from(changed, 'latin1')]);
    return;
  }
  removeFile(resolved.path, () => true);
  for (let path = parentOf(resolved.path); path !== buildroot.path; path = parentOf(path)) {
    if (readdirSync(path).length > 0) return;
    withDirectory(parentOf(path), (held) => rmdirSync(`${held}/${nameOf(path)}`));
  }
}

/** Makes the directories of a file. @returns where the symlinks in the tree lead to */
function makePlace(buildroot: Buildroot, path: string): StagedPath {
  const names = path.split('/').slice(1);
  return names.reduce<StagedPath>((directory, name, i) => {
    const next = childOf(directory, name);
    if (lstatIfAny(next) === undefined) {
      if (i < names.length - 1) makeDirectory(next);
      return next;
    }
    const resolved = resolveInBuildroot(buildroot, next);
    if (resolved.kind === 'inside') return resolved.path;
    throw new PyclinkError('file-failed', 'is a symlink whose target is not in the package', { path: next });
  }, buildroot.path);
}

/** The text of a regular file, one character for each byte. */
function textOf(file: StagedPath): string | undefined {
  return readRegular(file)?.content.toString('latin1');
}

function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}
