import { lstatSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StagedPath } from '../../src/files/path.ts';
import { type ReadPyc, readPyc } from '../../src/links/fingerprint.ts';
import { linkTo, writeLinked } from '../../src/links/write.ts';
import {
  contentsOf,
  everythingIn,
  linkGroupsIn,
  type Planted,
  plantBuildroot,
  temporaryDirectory,
} from '../helpers/buildroot.ts';

function planted(files: Readonly<Record<string, Planted>>) {
  const root = plantBuildroot(files);
  return { root, path: (name: string) => join(root, name) as StagedPath };
}

const content = (text: string) => Buffer.from(text);
const names = (files: readonly { readonly path: string }[]) => files.map(({ path }) => path.replace(/.*\//, ''));

describe('writeLinked', () => {
  it('writes each content once, and links its other names', () => {
    const { root, path } = planted({});
    const made = ['same', 'else', 'same'].map((text, level) => ({
      path: path(`${level}.pyc`),
      content: content(text),
      mode: 0o640,
    }));
    const { groups, notLinked, replaced } = writeLinked(made, true);
    expect(linkGroupsIn(root)).toEqual([['0.pyc', '2.pyc'], ['1.pyc']]);
    expect(contentsOf(root)).toEqual({
      '0.pyc': `file 640 ${content('same').toString('base64')}`,
      '1.pyc': `file 640 ${content('else').toString('base64')}`,
      '2.pyc': `file 640 ${content('same').toString('base64')}`,
    });
    expect(groups.map(names)).toEqual([['0.pyc', '2.pyc'], ['1.pyc']]);
    expect([notLinked, replaced]).toEqual([[], []]);
    for (const file of groups.flat()) expect(file).toEqual(readPyc(file.path));
  });

  it('writes the others when one cannot be written', () => {
    const { root, path } = planted({ '1.pyc': { directory: true } });
    const made = [0, 1, 2].map((level) => ({ path: path(`${level}.pyc`), content: content('same'), mode: 0o644 }));
    const { groups, failed } = writeLinked(made, true);
    expect(groups.map(names)).toEqual([['0.pyc', '2.pyc']]);
    expect(failed).toEqual([{ path: path('1.pyc'), error: expect.objectContaining({ code: 'EISDIR' }) }]);
    expect(lstatSync(path('2.pyc')).ino).toBe(lstatSync(path('0.pyc')).ino);
    expect(readdirSync(root).sort()).toEqual(['0.pyc', '1.pyc', '2.pyc']);
  });

  it('makes the directory, but none above it', () => {
    const { root, path } = planted({});
    const pyc = (name: string) => ({ path: path(name), content: content('new'), mode: 0o644 });
    expect(writeLinked([pyc('__pycache__/a.pyc'), pyc('gone/__pycache__/a.pyc')], true).failed).toEqual([
      { path: path('gone/__pycache__/a.pyc'), error: expect.objectContaining({ code: 'ENOENT' }) },
    ]);
    expect(everythingIn(root)).toEqual(['__pycache__', '__pycache__/a.pyc']);
  });

  it('writes every name when it is not to link', () => {
    const { root, path } = planted({});
    const made = ['a.pyc', 'b.pyc'].map((name) => ({ path: path(name), content: content('same'), mode: 0o644 }));
    expect(writeLinked(made, false).groups.map(names)).toEqual([['a.pyc'], ['b.pyc']]);
    expect(linkGroupsIn(root)).toEqual([['a.pyc'], ['b.pyc']]);
  });

  it('takes the place of what is there, and leaves its other names alone', () => {
    const outside = join(temporaryDirectory(), 'outside');
    writeFileSync(outside, 'outside');
    const { root, path } = planted({
      'a.pyc': 'old',
      'kept.py': { hardLink: 'a.pyc' },
      'b.pyc': { symlink: outside },
    });
    const made = ['a.pyc', 'b.pyc'].map((name) => ({ path: path(name), content: content('new'), mode: 0o644 }));
    writeLinked(made, true);
    expect(linkGroupsIn(root)).toEqual([['a.pyc', 'b.pyc']]);
    expect([readFileSync(path('kept.py'), 'utf8'), readFileSync(outside, 'utf8')]).toEqual(['old', 'outside']);
    expect(readFileSync(path('b.pyc'), 'utf8')).toBe('new');
  });
});

describe('linkTo', () => {
  it('links nothing when the file was replaced after it was written', () => {
    const { root, path } = planted({ 'b.pyc': 'old' });
    const pyc = { path: path('a.pyc'), content: content('new'), mode: 0o644 };
    const [[written]] = writeLinked([pyc], true).groups as [[ReadPyc]];
    writeFileSync(path('new'), 'another');
    renameSync(path('new'), path('a.pyc'));
    expect(linkTo(written, path('b.pyc'))).toEqual({ path: path('b.pyc'), reason: 'changed-meanwhile' });
    expect(linkGroupsIn(root)).toEqual([['a.pyc'], ['b.pyc']]);
    expect(readFileSync(path('b.pyc'), 'utf8')).toBe('old');
  });
});
