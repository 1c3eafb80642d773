import { linkSync, lstatSync, readFileSync, realpathSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { replaceByContent, replaceFile, rewriteFile } from '../../src/files/replace.ts';
import { lstat } from '../../src/files/stat.ts';
import { contentsOf, everythingIn, plantBuildroot } from '../helpers/buildroot.ts';

describe('replaceFile', () => {
  it('replaces the old file by the new one, and leaves nothing else behind', () => {
    const root = plantBuildroot({ 'd/old': 'old' });
    const path = join(root, 'd/old');
    const before = lstatSync(path).ino;
    const make = (temporary: string) => {
      writeFileSync(temporary, 'new', { flag: 'wx' });
      return 'made';
    };
    expect(replaceFile(path, make)).toBe('made');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(lstatSync(path).ino).not.toBe(before);
    expect(everythingIn(root)).toEqual(['d', 'd/old']);
  });

  it('keeps the old file until the new one next to it is complete', () => {
    const root = plantBuildroot({ 'd/old': 'old' });
    const path = join(root, 'd/old');
    const seen: string[] = [];
    replaceFile(
      path,
      (temporary) => writeFileSync(temporary, 'new'),
      (temporary) => {
        seen.push(realpathSync(dirname(temporary)), readFileSync(path, 'utf8'), readFileSync(temporary, 'utf8'));
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

  it('changes nothing if the final check fails', () => {
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

  it('changes nothing if the new file cannot be made', () => {
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

  it('stays in its directory if a symlink replaces that', () => {
    const root = plantBuildroot({ 'd/old': 'old', 'canary/old': 'canary' });
    const swap = (temporary: string) => {
      writeFileSync(temporary, 'new');
      renameSync(join(root, 'd'), join(root, 'moved'));
      symlinkSync('canary', join(root, 'd'));
      return true;
    };
    expect(replaceFile(join(root, 'd/old'), swap)).toBe(true);
    expect(everythingIn(root)).toEqual(['canary', 'canary/old', 'd', 'moved', 'moved/old']);
    expect(readFileSync(join(root, 'canary/old'), 'utf8')).toBe('canary');
    expect(readFileSync(join(root, 'moved/old'), 'utf8')).toBe('new');
  });

  it.each(['way/old', 'way/d/old'])('changes nothing if the path contains a symlink: %s', (name) => {
    const root = plantBuildroot({ 'canary/old': 'canary', 'canary/d/old': 'canary', way: { symlink: 'canary' } });
    const before = contentsOf(root);
    expect(() => replaceFile(join(root, name), (temporary) => writeFileSync(temporary, 'new'))).toThrow(
      expect.objectContaining({ code: name === 'way/old' ? 'ENOTDIR' : 'ESTALE' }),
    );
    expect(contentsOf(root)).toEqual(before);
  });
});

describe('replaceByContent', () => {
  it('returns the new file', () => {
    const path = join(plantBuildroot({ old: 'old' }), 'old');
    const stat = replaceByContent(path, ['n', 'ew'], 0o600);
    expect(stat).toMatchObject({ identity: lstat(path).identity, sizeBytes: 3, mode: 0o600, links: 1 });
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  it('fails without changing the old file, and leaves nothing behind', () => {
    const root = plantBuildroot({ old: 'old' });
    function* failing() {
      yield 'half';
      throw new Error('no');
    }
    expect(() => replaceByContent(join(root, 'old'), failing(), 0o644)).toThrow('no');
    expect(readFileSync(join(root, 'old'), 'utf8')).toBe('old');
    expect(everythingIn(root)).toEqual(['old']);
  });
});

describe('rewriteFile', () => {
  it('gives the new file the requested attributes, if the old one still exists', () => {
    const root = plantBuildroot({ old: 'old' });
    const { uid: userId, gid: groupId } = lstatSync(join(root, 'old'));
    const attributes = { mode: 0o640, userId, groupId, accessedSeconds: 5, modifiedSeconds: 7 };
    const rewrite = (text: string, isStill: boolean) =>
      rewriteFile(join(root, 'old'), Buffer.from(text), attributes, () => isStill);
    expect(rewrite('new', true)).toMatchObject({
      accessedNs: 5_000_000_000n,
      modifiedNs: 7_000_000_000n,
      sizeBytes: 3,
    });
    expect(rewrite('newer', false)).toBeUndefined();
    expect(lstatSync(join(root, 'old')).mode & 0o7777).toBe(0o640);
    expect(contentsOf(root)).toEqual({ old: `file 640 ${Buffer.from('new').toString('base64')}` });
  });
});
