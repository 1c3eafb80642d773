import { chmodSync, chownSync, linkSync, lstatSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StagedPath } from '../../src/files/path.ts';
import { type ReadPyc, readPyc } from '../../src/links/fingerprint.ts';
import { normalizeFiles } from '../../src/links/normalize.ts';
import { contentsOf, linkGroupsIn, type Planted, plantBuildroot } from '../helpers/buildroot.ts';
import { marshalled as m, pycOf } from '../helpers/marshal.ts';

const before = pycOf(m.tuple([m.flagged(m.int(1))]));
const after = pycOf(m.tuple([m.int(1)]));

function planted(files: Readonly<Record<string, Planted>>) {
  const root = plantBuildroot(files);
  const path = (name: string) => join(root, name) as StagedPath;
  const read = (): ReadPyc[] =>
    Object.keys(files)
      .filter((name) => name.endsWith('.pyc'))
      .flatMap((name) => readPyc(path(name)) ?? []);
  /** What says whether a file was touched. */
  const state = (name: string) => {
    const { ino, nlink, ctimeMs } = lstatSync(path(name));
    return [ino, nlink, ctimeMs];
  };
  return { root, path, read, state };
}

describe('normalizeFiles', () => {
  it('does not change a pyc with bytes after its code', () => {
    const { root, read, state } = planted({ 'a.pyc': Buffer.concat([before, Buffer.from('more')]) });
    const [files, untouched] = [contentsOf(root), state('a.pyc')];
    expect(normalizeFiles(read(), false)).toMatchObject({
      normalized: 0,
      notNormalized: [{ message: 'bytes follow the end of the code' }],
    });
    expect([contentsOf(root), state('a.pyc')]).toEqual([files, untouched]);
  });

  it('rewrites a group as one file again, with its mode and mtime', () => {
    const { root, path, read, state } = planted({
      'a.pyc': { content: before, mode: 0o604, mtime: 1_600_000_000 },
      'b.pyc': { hardLink: 'a.pyc' },
      'c.pyc': after,
    });
    const { ino } = lstatSync(path('a.pyc'));
    const untouched = state('c.pyc');
    const { pycs, normalized, notNormalized } = normalizeFiles(read(), false);
    expect([normalized, notNormalized]).toEqual([2, []]);
    expect(linkGroupsIn(root)).toEqual([['a.pyc', 'b.pyc'], ['c.pyc']]);
    expect(readFileSync(path('a.pyc'))).toEqual(after);
    const stat = lstatSync(path('a.pyc'));
    expect([stat.ino === ino, stat.nlink, stat.mode & 0o7777, stat.mtimeMs]).toEqual([
      false,
      2,
      0o604,
      1_600_000_000_000,
    ]);
    expect(state('c.pyc')).toEqual(untouched);
    expect(pycs).toEqual(read());
  });

  it.skipIf(process.getuid?.() !== 0)('keeps owner, group and special bits', () => {
    const { path, read } = planted({ 'a.pyc': before });
    chownSync(path('a.pyc'), 12, 34);
    chmodSync(path('a.pyc'), 0o4755);
    utimesSync(path('a.pyc'), 1.5, 1_600_000_000.25);
    normalizeFiles(read(), false);
    const { uid, gid, mode, mtimeMs } = lstatSync(path('a.pyc'));
    expect([uid, gid, mode & 0o7777, mtimeMs]).toEqual([12, 34, 0o4755, 1_600_000_000_250]);
    expect(readFileSync(path('a.pyc'))).toEqual(after);
  });

  it('does not change a file with another name elsewhere', () => {
    const { root, path, read } = planted({ 'a.pyc': before, 'b.pyc': { hardLink: 'a.pyc' } });
    linkSync(path('a.pyc'), path('elsewhere'));
    const contents = contentsOf(root);
    const files = read();
    expect(normalizeFiles(files, false)).toEqual({
      pycs: files,
      failed: [],
      normalized: 0,
      notNormalized: ['a.pyc', 'b.pyc'].map((name) => ({
        path: path(name),
        message: 'the file has another hard link elsewhere',
      })),
    });
    expect(contentsOf(root)).toEqual(contents);
    expect(lstatSync(path('a.pyc')).nlink).toBe(3);
  });

  it('does not change a file that it cannot read to the end, and reports why', () => {
    const { root, path, read } = planted({ 'a.pyc': before.subarray(0, -1), 'b.pyc': before });
    const { normalized, notNormalized } = normalizeFiles(read(), false);
    expect([normalized, notNormalized]).toEqual([1, [{ path: path('a.pyc'), message: 'truncated' }]]);
    expect(contentsOf(root)).toEqual({
      'a.pyc': `file 644 ${before.subarray(0, -1).toString('base64')}`,
      'b.pyc': `file 644 ${after.toString('base64')}`,
    });
  });

  it('writes nothing in a dry run, and returns the new contents', () => {
    const { root, read } = planted({ 'a.pyc': before, 'b.pyc': after });
    const contents = contentsOf(root);
    const { pycs, normalized } = normalizeFiles(read(), true);
    expect([normalized, pycs.map(({ content }) => content)]).toEqual([1, [after, after]]);
    expect(contentsOf(root)).toEqual(contents);
  });

  it('changes nothing the second time', () => {
    const { read, state } = planted({ 'a.pyc': before });
    normalizeFiles(read(), false);
    const first = state('a.pyc');
    expect(normalizeFiles(read(), false).normalized).toBe(0);
    expect(state('a.pyc')).toEqual(first);
  });
});
