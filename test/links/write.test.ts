import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StagedPath } from '../../src/files/path.ts';
import { readPyc } from '../../src/links/fingerprint.ts';
import { writeLinked } from '../../src/links/write.ts';
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
    const { groups, failed } = writeLinked(made, true, false);
    expect(groups.map(names)).toEqual([['0.pyc', '2.pyc']]);
    expect(failed).toEqual([{ path: path('1.pyc'), error: expect.objectContaining({ code: 'EISDIR' }) }]);
    expect(lstatSync(path('2.pyc')).ino).toBe(lstatSync(path('0.pyc')).ino);
    expect(readdirSync(root).sort()).toEqual(['0.pyc', '1.pyc', '2.pyc']);
  });

  it.each([
    ['directory', (path: string) => mkdirSync(path)],
    ['other', (path: string) => execFileSync('mkfifo', [path])],
  ])('does not replace what is not a file: %s', (by, plant) => {
    const { path } = planted({});
    const made = [0, 1, 2].map((level) => ({ path: path(`${level}.pyc`), content: content('same'), mode: 0o644 }));
    plant(path('0.pyc'));
    symlinkSync('2.pyc', path('1.pyc'));
    const before = lstatSync(path('0.pyc')).ino;
    const { groups, failed, taken } = writeLinked(made, true);
    expect(groups.map(names)).toEqual([['1.pyc', '2.pyc']]);
    expect([failed, taken]).toEqual([[], [{ path: path('0.pyc'), by }]]);
    expect(lstatSync(path('0.pyc')).ino).toBe(before);
    expect(readFileSync(path('1.pyc'), 'utf8')).toBe('same');
    expect(lstatSync(path('1.pyc')).nlink).toBe(2);
  });

  it('creates the directory, but not its parents', () => {
    const { root, path } = planted({});
    const pyc = (name: string) => ({ path: path(name), content: content('new'), mode: 0o644 });
    expect(writeLinked([pyc('__pycache__/a.pyc'), pyc('gone/__pycache__/a.pyc')], true).failed).toEqual([
      { path: path('gone/__pycache__/a.pyc'), error: expect.objectContaining({ code: 'ENOENT' }) },
    ]);
    expect(everythingIn(root)).toEqual(['__pycache__', '__pycache__/a.pyc']);
  });

  it('writes every name if linking is off', () => {
    const { root, path } = planted({});
    const made = ['a.pyc', 'b.pyc'].map((name) => ({ path: path(name), content: content('same'), mode: 0o644 }));
    expect(writeLinked(made, false).groups.map(names)).toEqual([['a.pyc'], ['b.pyc']]);
    expect(linkGroupsIn(root)).toEqual([['a.pyc'], ['b.pyc']]);
  });

  /** Names, inodes, link counts and times of last change. */
  const factsOf = (root: string) =>
    everythingIn(root).map((name) => {
      const { ino, nlink, ctimeNs } = lstatSync(join(root, name), { bigint: true });
      return { name, ino, nlink, ctimeNs };
    });

  const made = (path: (name: string) => StagedPath, texts: readonly string[]) =>
    texts.map((text, level) => ({ path: path(`${level}.pyc`), content: content(text), mode: 0o644 }));

  it.each([
    ['linked', ['same', 'else', 'same'], true],
    ['apart', ['same', 'else', 'same'], false],
    ['one file', ['same', 'same', 'same'], true],
  ])('does not touch pycs that are in place (%s)', (_, texts, link) => {
    const { root, path } = planted({});
    const first = writeLinked(made(path, texts), link);
    const before = factsOf(root);
    const again = writeLinked(made(path, texts), link);
    expect(factsOf(root)).toEqual(before);
    expect(again.groups.map(names)).toEqual(first.groups.map(names));
    for (const file of again.groups.flat()) expect(file).toEqual(readPyc(file.path));
  });

  const states: Record<string, Record<string, Planted>> = {
    'nothing there': {},
    'files that are not linked': { '0.pyc': 'same', '1.pyc': 'same', '2.pyc': 'else' },
    'too many links': { '0.pyc': 'same', '1.pyc': { hardLink: '0.pyc' }, '2.pyc': { hardLink: '0.pyc' } },
    'the wrong link': { '0.pyc': 'same', '2.pyc': 'same', '1.pyc': { hardLink: '2.pyc' } },
    'a link from elsewhere': { '0.pyc': 'same', kept: { hardLink: '0.pyc' } },
    'another text of the same length': { '0.pyc': 'eams', '1.pyc': { hardLink: '0.pyc' }, '2.pyc': 'esle' },
    'another mode': { '0.pyc': { content: 'same', mode: 0o600 }, '1.pyc': { hardLink: '0.pyc' } },
    'a symlink': { real: 'same', '0.pyc': { symlink: 'real' }, '1.pyc': { symlink: '0.pyc' } },
    'a part': { '1.pyc': 'same' },
  };
  const knownAndNot = Object.entries(states).flatMap(([name, before]) => [
    [name, before, true] as const,
    [`${name}, unawares`, before, false] as const,
  ]);
  it.each(knownAndNot)('gives the same result whatever existed before: %s', (_, before, mayBeThere) => {
    const { root, path } = planted(before);
    const others = Object.keys(before).filter((name) => !name.endsWith('.pyc'));
    const { groups, failed } = writeLinked(made(path, ['same', 'same', 'else']), true, mayBeThere);
    expect(failed).toEqual([]);
    expect(groups.map(names)).toEqual([['0.pyc', '1.pyc'], ['2.pyc']]);
    expect(linkGroupsIn(root).filter(([name = '']) => name.endsWith('.pyc'))).toEqual([['0.pyc', '1.pyc'], ['2.pyc']]);
    for (const [name, text] of [
      ['0.pyc', 'same'],
      ['1.pyc', 'same'],
      ['2.pyc', 'else'],
    ] as const) {
      expect(readFileSync(path(name), 'utf8')).toBe(text);
      expect(lstatSync(path(name)).mode & 0o7777).toBe(0o644);
    }
    expect(readdirSync(root).sort()).toEqual(['0.pyc', '1.pyc', '2.pyc', ...others].sort());
    for (const name of others) expect(readFileSync(path(name), 'utf8')).toBe('same');
  });

  it('replaces an existing file without touching its other names', () => {
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
