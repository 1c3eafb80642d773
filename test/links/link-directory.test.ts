import { appendFileSync, lstatSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import { attributesOf } from '../../src/files/attributes.ts';
import { findPycs, type PycDirectory } from '../../src/links/find.ts';
import { linkDirectory } from '../../src/links/link-directory.ts';
import { everythingIn, type Planted, plantBuildroot } from '../helpers/buildroot.ts';
import { leftoverOf } from '../helpers/leftovers.ts';
import { marshalled as m, pycOf } from '../helpers/marshal.ts';

const text = m.flagged(m.interned('an interned string'));
/** The same code, twice in full and once with a reference. */
const [repeated, shared] = [pycOf(m.tuple([text, text])), pycOf(m.tuple([text, m.reference(0)]))];
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
])('links %s correctly', (_name, a, b, links) => {
  const { root, directory, inodes } = directoryOf({ 'a.pyc': a, 'a.pyo': b });
  const savedBytes = links * a.length;
  expect(linkDirectory(directory, { ...mode, dryRun: true }, attributesOf)).toMatchObject({ links, savedBytes });
  expect(new Set(inodes()).size).toBe(2);
  expect(linkDirectory(directory, mode, attributesOf)).toEqual({
    narrowed: 0,
    normalized: 0,
    links,
    savedBytes,
    left: [],
    unknown: [],
    failed: [],
  });
  expect(new Set(inodes()).size).toBe(2 - links);
  expect([readFileSync(join(root, 'a.pyc'), 'utf8'), readFileSync(join(root, 'a.pyo'), 'utf8')]).toEqual([a, b]);
});

it('links nothing if a file has grown in the meantime', () => {
  const { root, directory } = directoryOf({ 'a.pyc': 'same', 'a.pyo': 'same' });
  appendFileSync(join(root, 'a.pyo'), 'and more');
  expect(linkDirectory(directory, mode, attributesOf).links).toBe(0);
});

it('skips a missing file, and links the others', () => {
  const { root, directory } = directoryOf({ 'a.pyc': 'same', 'a.pyo': 'same', 'b.pyc': 'b', 'b.pyo': 'b' });
  rmSync(join(root, 'a.pyo'));
  expect(linkDirectory(directory, mode, attributesOf)).toMatchObject({ links: 1, failed: [] });
});

it.each([
  ['gone', () => undefined, 'ENOENT'],
  ['a symlink', (away: string, place: string) => symlinkSync(away, place), 'ENOTDIR'],
  ['reached through a symlink', (away: string, place: string) => symlinkSync(away, join(place, '..')), 'ESTALE'],
  ['a file', (_away: string, place: string) => writeFileSync(place, ''), 'ENOTDIR'],
])('reports a directory that is now %s', (name, replace, code) => {
  const { root, directory } = directoryOf({ 'd/e/a.pyc': 'same', 'd/e/a.pyo': 'same' });
  const place = join(root, 'd/e');
  const away = `${root}-away`;
  if (name === 'reached through a symlink') renameSync(join(root, 'd'), away);
  else renameSync(place, away);
  replace(away, place);
  const { links, failed } = linkDirectory(directory, mode, attributesOf);
  expect({ links, failed }).toMatchObject({ links: 0, failed: [{ path: directory.directory, error: { code } }] });
  rmSync(away, { recursive: true });
});

it('removes leftovers of a killed run, but not in a dry run', () => {
  const leftover = leftoverOf();
  const { root, directory } = directoryOf({ 'a.pyc': 'a', [leftover]: '' });
  linkDirectory(directory, { ...mode, dryRun: true }, attributesOf);
  expect(everythingIn(root)).toContain(leftover);
  linkDirectory(directory, mode, attributesOf);
  expect(everythingIn(root)).toEqual(['a.pyc']);
});

it.each<[string, Readonly<Record<string, Planted>>]>([
  ['are in normal form', { 'a.pyc': repeated, 'a.pyo': shared, 'b.pyc': repeated, 'b.pyo': repeated }],
  [
    'are readable by no more than the source',
    { 'a.py': { content: '', mode: 0o600 }, 'a.pyc': { content: shared, mode: 0o600 }, 'a.pyo': shared },
  ],
])('says the same in a dry run as in a run once pycs %s', (_, files) => {
  const { directory } = directoryOf(files);
  const dry = linkDirectory(directory, { normalize: true, dryRun: true }, attributesOf);
  const ran = linkDirectory(directory, { normalize: true, dryRun: false }, attributesOf);
  expect(dry).toEqual(ran);
  expect(ran.links).toBeGreaterThan(0);
});
