import { appendFileSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import { findPycs, type PycDirectory } from '../../src/links/find.ts';
import { linkDirectory } from '../../src/links/link-directory.ts';
import { everythingIn, type Planted, plantBuildroot } from '../helpers/buildroot.ts';

const mode = { normalize: false, dryRun: false };
const long = 'bytes '.repeat(20_000);

/** The directory of these files, to be linked. */
function directoryOf(files: Readonly<Record<string, Planted>>) {
  const root = plantBuildroot(files);
  const [directory] = findPycs(openTree(root), []).directories;
  const inodes = () => everythingIn(root).map((name) => lstatSync(join(root, name)).ino);
  return { root, directory: directory as PycDirectory, inodes };
}

it.each([
  ['equal bytes', 'same', 'same', 1],
  ['bytes that differ at the end', 'same', 'samf', 0],
  ['a beginning', 'same', 'same and more', 0],
  ['nothing and nothing', '', '', 1],
  ['many equal bytes', long, long, 1],
  ['many bytes that differ at the end', `${long}a`, `${long}b`, 0],
])('links %s as it should', (_name, a, b, links) => {
  const { root, directory, inodes } = directoryOf({ 'a.pyc': a, 'a.pyo': b });
  const savedBytes = links * a.length;
  expect(linkDirectory(directory, { ...mode, dryRun: true })).toMatchObject({ links, savedBytes });
  expect(new Set(inodes()).size).toBe(2);
  expect(linkDirectory(directory, mode)).toEqual({ normalized: 0, links, savedBytes, left: [], unknown: [] });
  expect(new Set(inodes()).size).toBe(2 - links);
  expect([readFileSync(join(root, 'a.pyc'), 'utf8'), readFileSync(join(root, 'a.pyo'), 'utf8')]).toEqual([a, b]);
});

it('links nothing where a file has grown since it was found', () => {
  const { root, directory } = directoryOf({ 'a.pyc': 'same', 'a.pyo': 'same' });
  appendFileSync(join(root, 'a.pyo'), 'and more');
  expect(linkDirectory(directory, mode).links).toBe(0);
});

it('fails where a file is gone: another process is at work', () => {
  const { root, directory } = directoryOf({ 'a.pyc': 'same', 'a.pyo': 'same' });
  rmSync(join(root, 'a.pyo'));
  expect(() => linkDirectory(directory, mode)).toThrow('ENOENT');
});

it('takes away what a killed run left, but not in a dry run', () => {
  const leftover = '.pyclink-999999999-00000000-0000-0000-0000-000000000000';
  const { root, directory } = directoryOf({ 'a.pyc': 'a', [leftover]: '' });
  linkDirectory(directory, { ...mode, dryRun: true });
  expect(everythingIn(root)).toContain(leftover);
  linkDirectory(directory, mode);
  expect(everythingIn(root)).toEqual(['a.pyc']);
});
