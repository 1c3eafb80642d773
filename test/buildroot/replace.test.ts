import { linkSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { replaceFile } from '../../src/buildroot/replace.ts';
import { everythingIn, plantBuildroot } from '../helpers/buildroot.ts';

describe('replaceFile', () => {
  it('puts the new file in the place of the old one, and leaves nothing else behind', () => {
    const root = plantBuildroot({ 'd/old': 'old' });
    const path = join(root, 'd/old');
    const before = lstatSync(path).ino;
    expect(replaceFile(path, (temporary) => writeFileSync(temporary, 'new', { flag: 'wx' }))).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(lstatSync(path).ino).not.toBe(before);
    expect(everythingIn(root)).toEqual(['d', 'd/old']);
  });

  it('keeps the old file whole until the new one is complete, which lies beside it', () => {
    const root = plantBuildroot({ 'd/old': 'old' });
    const path = join(root, 'd/old');
    const seen: string[] = [];
    replaceFile(
      path,
      (temporary) => writeFileSync(temporary, 'new'),
      (temporary) => {
        seen.push(dirname(temporary), readFileSync(path, 'utf8'), readFileSync(temporary, 'utf8'));
        return true;
      },
    );
    expect(seen).toEqual([join(root, 'd'), 'old', 'new']);
  });

  it('does not write into the old file, which may have other names', () => {
    const root = plantBuildroot({ old: 'old', other: { hardLink: 'old' } });
    replaceFile(join(root, 'old'), (temporary) => writeFileSync(temporary, 'new'));
    expect([readFileSync(join(root, 'old'), 'utf8'), readFileSync(join(root, 'other'), 'utf8')]).toEqual([
      'new',
      'old',
    ]);
  });

  it('can make a link', () => {
    const root = plantBuildroot({ keeper: 'same', duplicate: 'same' });
    replaceFile(join(root, 'duplicate'), (temporary) => linkSync(join(root, 'keeper'), temporary));
    expect(lstatSync(join(root, 'duplicate')).ino).toBe(lstatSync(join(root, 'keeper')).ino);
    expect(lstatSync(join(root, 'keeper')).nlink).toBe(2);
  });

  it('leaves everything as it was when the last look says no', () => {
    const root = plantBuildroot({ old: 'old' });
    const before = lstatSync(join(root, 'old'));
    const replaced = replaceFile(
      join(root, 'old'),
      (temporary) => writeFileSync(temporary, 'new'),
      () => false,
    );
    expect(replaced).toBe(false);
    expect(lstatSync(join(root, 'old'))).toEqual(before);
    expect(everythingIn(root)).toEqual(['old']);
  });

  it('leaves everything as it was when the new file cannot be made', () => {
    const root = plantBuildroot({ old: 'old' });
    const fails = () =>
      replaceFile(join(root, 'old'), (temporary) => {
        writeFileSync(temporary, 'half');
        throw new Error('disk full');
      });
    expect(fails).toThrow(new Error('disk full'));
    expect(readFileSync(join(root, 'old'), 'utf8')).toBe('old');
    expect(everythingIn(root)).toEqual(['old']);
  });

  it('leaves no temporary file when the rename fails', () => {
    const root = plantBuildroot({ 'directory/file': 'old' });
    expect(() => replaceFile(join(root, 'directory'), (temporary) => writeFileSync(temporary, 'new'))).toThrow(
      expect.objectContaining({ code: 'EISDIR' }),
    );
    expect(everythingIn(root)).toEqual(['directory', 'directory/file']);
  });
});
