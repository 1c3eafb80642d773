import { chmodSync, chownSync, lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StagedPath } from '../../src/files/path.ts';
import { linkIdentical } from '../../src/links/apply.ts';
import { type ReadPyc, readPyc } from '../../src/links/fingerprint.ts';
import { contentsOf, everythingIn, linkGroupsIn, type Planted, plant, plantBuildroot } from '../helpers/buildroot.ts';

/** A directory of pycs, all of one source as it were, read in the order they are written here. */
function planted(files: Readonly<Record<string, Planted>>) {
  const root = plantBuildroot(files);
  const path = (name: string) => join(root, name) as StagedPath;
  const read = (): ReadPyc[] => Object.keys(files).flatMap((name) => readPyc(path(name)) ?? []);
  return { root, path, read, stat: (name: string) => lstatSync(path(name)) };
}

const names = (files: readonly { readonly path: string }[]) => files.map(({ path }) => path.replace(/.*\//, ''));

describe('linkIdentical', () => {
  it('makes one file of identical ones, and keeps the first', () => {
    const { root, read, stat } = planted({ 'b.pyc': 'same', 'a.pyc': 'same', 'c.pyc': 'else', 'd.pyc': 'same' });
    const before = contentsOf(root);
    const keeper = stat('b.pyc');
    const { groups, notLinked, replaced } = linkIdentical(read());
    expect(linkGroupsIn(root)).toEqual([['a.pyc', 'b.pyc', 'd.pyc'], ['c.pyc']]);
    expect(stat('a.pyc')).toMatchObject({ ino: keeper.ino, nlink: 3, mtimeMs: keeper.mtimeMs });
    expect(groups.map(names)).toEqual([['b.pyc', 'a.pyc', 'd.pyc'], ['c.pyc']]);
    expect(names(replaced)).toEqual(['a.pyc', 'd.pyc']);
    expect(notLinked).toEqual([]);
    expect(contentsOf(root)).toEqual(before);
  });

  it('changes nothing the second time', () => {
    const { root, read, stat } = planted({ 'a.pyc': 'same', 'b.pyc': 'same' });
    linkIdentical(read());
    const state = () => everythingIn(root).map((name) => [name, stat(name).ino, stat(name).nlink, stat(name).ctimeMs]);
    const before = state();
    const again = linkIdentical(read());
    expect({ ...again, groups: again.groups.map(names) }).toEqual({
      groups: [['a.pyc', 'b.pyc']],
      notLinked: [],
      replaced: [],
    });
    expect(state()).toEqual(before);
  });

  it('handles a pair that is linked already', () => {
    const { root, read, stat } = planted({ 'a.pyc': 'same', 'b.pyc': 'same', 'c.pyc': { hardLink: 'b.pyc' } });
    const { groups, replaced } = linkIdentical(read());
    expect(linkGroupsIn(root)).toEqual([['a.pyc', 'b.pyc', 'c.pyc']]);
    expect(stat('a.pyc').nlink).toBe(3);
    expect([groups.map(names), names(replaced)]).toEqual([[['a.pyc', 'b.pyc', 'c.pyc']], ['b.pyc', 'c.pyc']]);
  });

  it('does not link identical files with different modes', () => {
    const { root, read, path } = planted({ 'a.pyc': 'same', 'b.pyc': 'same', 'c.pyc': 'same' });
    chmodSync(path('b.pyc'), 0o600);
    const before = contentsOf(root);
    const { groups, notLinked } = linkIdentical(read());
    expect(linkGroupsIn(root)).toEqual([['a.pyc', 'c.pyc'], ['b.pyc']]);
    expect(groups.map(names)).toEqual([['a.pyc', 'c.pyc'], ['b.pyc']]);
    expect(notLinked).toEqual([{ path: path('b.pyc'), reason: 'mode-differs' }]);
    expect(contentsOf(root)).toEqual(before);
  });

  it.skipIf(process.getuid?.() !== 0)('leaves identical files of another owner apart', () => {
    const { root, read, path } = planted({ 'a.pyc': 'same', 'b.pyc': 'same' });
    chownSync(path('b.pyc'), 0, 1);
    const { notLinked } = linkIdentical(read());
    expect(linkGroupsIn(root)).toEqual([['a.pyc'], ['b.pyc']]);
    expect(notLinked).toEqual([{ path: path('b.pyc'), reason: 'owner-differs' }]);
  });

  it.each([
    ['the duplicate', 'b.pyc'],
    ['the keeper', 'a.pyc'],
  ])('does not touch a file if %s was rewritten after the comparison', (_name, changed) => {
    const { root, read, path } = planted({ 'a.pyc': 'same', 'b.pyc': 'same' });
    const compared = read();
    writeFileSync(path(changed), 'longer now');
    const before = contentsOf(root);
    const { groups, notLinked, replaced } = linkIdentical(compared);
    expect(notLinked).toEqual([{ path: path('b.pyc'), reason: 'changed-meanwhile' }]);
    expect([groups.map(names), replaced]).toEqual([[['a.pyc'], ['b.pyc']], []]);
    expect(linkGroupsIn(root)).toEqual([['a.pyc'], ['b.pyc']]);
    expect(contentsOf(root)).toEqual(before);
  });

  it('does not touch a file that was replaced by another of the same size and mtime', () => {
    const { root, read, path } = planted({
      'a.pyc': { content: 'same', mtime: 5 },
      'b.pyc': { content: 'same', mtime: 5 },
    });
    const compared = read();
    plant(root, { new: { content: 'else', mtime: 5 } });
    renameSync(path('new'), path('b.pyc'));
    const before = contentsOf(root);
    expect(linkIdentical(compared).notLinked).toEqual([{ path: path('b.pyc'), reason: 'changed-meanwhile' }]);
    expect(contentsOf(root)).toEqual(before);
  });

  it.each(['a.pyc', 'b.pyc'])('changes nothing if %s is missing', (gone) => {
    const { root, read, path } = planted({ 'a.pyc': 'same', 'b.pyc': 'same' });
    const compared = read();
    rmSync(path(gone));
    const before = contentsOf(root);
    expect(linkIdentical(compared).notLinked).toEqual([{ path: path('b.pyc'), reason: 'changed-meanwhile' }]);
    expect(contentsOf(root)).toEqual(before);
  });
});
