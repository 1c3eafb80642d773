import { chmodSync, chownSync, lchownSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { describe, expect, it } from 'vitest';
import { foreignWriter } from '../../src/files/foreign-writer.ts';
import { plant, temporaryDirectory } from '../helpers/buildroot.ts';

/** A file two directories down, and its path. */
function plantFile(): { readonly top: string; readonly file: string } {
  const top = temporaryDirectory();
  plant(top, { 'a/b/file': { content: '', mode: 0o755 } });
  return { top, file: join(top, 'a/b/file') };
}

describe('foreignWriter', () => {
  it('is nobody for a file of this user in a directory of this user, below /tmp', () => {
    expect(foreignWriter(plantFile().file)).toBeUndefined();
    expect(foreignWriter('/usr/bin/env')).toBeUndefined();
  });

  it.each([
    ['the file', 'a/b/file', 0o775],
    ['the file', 'a/b/file', 0o757],
    ['its directory', 'a/b', 0o775],
    ['a directory above', 'a', 0o777],
  ])('reports who may write to %s', (_, path, mode) => {
    const { top, file } = plantFile();
    chmodSync(join(top, path), mode);
    expect(foreignWriter(file)).toBe(`other users may write to ${join(top, path)} (mode ${mode.toString(8)})`);
  });

  it('is nobody if others may only add files', () => {
    const { top, file } = plantFile();
    chmodSync(join(top, 'a'), 0o1777);
    expect(foreignWriter(file)).toBeUndefined();
  });

  it('reports whom an ACL lets write', () => {
    const { top, file } = plantFile();
    const { failed } = execaSync('setfacl', ['-m', 'u:12345:rwx', join(top, 'a')], { reject: false });
    if (!failed) expect(foreignWriter(file)).toContain(`other users may write to ${join(top, 'a')}`);
  });

  it('follows symlinks, and checks the directories on the way', () => {
    const { top, file } = plantFile();
    mkdirSync(join(top, 'links'));
    symlinkSync('../a/b', join(top, 'links/relative'));
    symlinkSync(join(top, 'links/relative/file'), join(top, 'links/absolute'));
    expect(foreignWriter(join(top, 'links/absolute'))).toBeUndefined();
    expect(foreignWriter(`${top}//links/./../a/b/file`)).toBeUndefined();
    chmodSync(join(top, 'a'), 0o777);
    expect(foreignWriter(join(top, 'links/absolute'))).toContain(`${join(top, 'a')} (`);
    chmodSync(join(top, 'a'), 0o755);
    chmodSync(join(top, 'links'), 0o777);
    expect(foreignWriter(join(top, 'links/absolute'))).toContain(`${join(top, 'links')} (`);
    expect(foreignWriter(file)).toBeUndefined();
  });

  it('is unknown for a missing path or a symlink loop', () => {
    const { top } = plantFile();
    symlinkSync('circle', join(top, 'circle'));
    expect(foreignWriter(join(top, 'nothing'))).toBe(`${join(top, 'nothing')} cannot be examined (ENOENT)`);
    expect(foreignWriter(join(top, 'circle'))).toBe(`${join(top, 'circle')} has too many levels of symlinks`);
  });

  it.skipIf(process.getuid?.() !== 0).each(['a/b/file', 'a/b', 'a'])('is the owner of %s', (path) => {
    const { top, file } = plantFile();
    chownSync(join(top, path), 12_345, 12_345);
    expect(foreignWriter(file)).toBe(`${join(top, path)} belongs to user 12345`);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'is the owner of a symlink, which could be replaced in a sticky directory',
    () => {
      const { top, file } = plantFile();
      chmodSync(top, 0o1777);
      symlinkSync(file, join(top, 'link'));
      lchownSync(join(top, 'link'), 12_345, 12_345);
      expect(foreignWriter(join(top, 'link'))).toBe(`${join(top, 'link')} belongs to user 12345`);
    },
  );
});
