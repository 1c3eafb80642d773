import { lstatSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkFreeName, replaceByLink } from '../../src/files/hard-link.ts';
import { everythingIn, type Planted, plantBuildroot } from '../helpers/buildroot.ts';

describe('replaceByLink', () => {
  it('makes both names one file, if both are still right', () => {
    const root = plantBuildroot({ 'd/a': 'same', 'd/b': 'same', 'd/c': 'same' });
    const [a, b, c] = ['a', 'b', 'c'].map((name) => join(root, 'd', name)) as [string, string, string];
    const seen: string[] = [];
    const isStillRight = (temporary: string, old: string) => {
      seen.push(lstatSync(temporary).ino === lstatSync(a).ino ? 'a' : '', realpathSync(old));
      return realpathSync(old) === b;
    };
    expect([replaceByLink(b, a, isStillRight), replaceByLink(c, a, isStillRight)]).toEqual([true, false]);
    expect(seen).toEqual(['a', b, 'a', c]);
    expect([lstatSync(b).ino === lstatSync(a).ino, lstatSync(c).ino === lstatSync(a).ino]).toEqual([true, false]);
  });
});

describe('linkFreeName', () => {
  it('links a free name to a file of the same directory', () => {
    const root = plantBuildroot({ 'd/first': 'same' });
    expect(linkFreeName(join(root, 'd/second'), join(root, 'd/first'), () => true)).toBe(true);
    expect(lstatSync(join(root, 'd/second')).ino).toBe(lstatSync(join(root, 'd/first')).ino);
  });

  it.each<[string, Readonly<Record<string, Planted>>, () => boolean]>([
    ['the name is taken', { 'd/first': 'same', 'd/second': 'own' }, () => true],
    ['the file is gone', { d: { directory: true } }, () => true],
    ['the new link is not right', { 'd/first': 'same' }, () => false],
  ])('changes nothing if %s', (_, files, isRight) => {
    const root = plantBuildroot(files);
    const before = everythingIn(root);
    expect(linkFreeName(join(root, 'd/second'), join(root, 'd/first'), isRight)).toBe(false);
    expect(everythingIn(root)).toEqual(before);
    if (before.includes('d/second')) expect(readFileSync(join(root, 'd/second'), 'utf8')).toBe('own');
  });
});
