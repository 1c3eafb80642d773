import { realpathSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../../src/files/directory.ts';
import { everythingIn, plantBuildroot } from '../helpers/buildroot.ts';

describe('withDirectory', () => {
  it('holds a directory once, however often calls are nested', () => {
    const root = plantBuildroot({ 'd/a': '', 'canary/a': '' });
    const directory = join(root, 'd');
    withDirectory(directory, (held) => {
      renameSync(directory, join(root, 'moved'));
      symlinkSync('canary', directory);
      withDirectory(directory, (again) => {
        expect(again).toBe(held);
        writeFileSync(join(again, 'b'), '');
      });
    });
    expect(everythingIn(root)).toEqual(['canary', 'canary/a', 'd', 'moved', 'moved/a', 'moved/b']);
    expect(() => withDirectory(directory, () => undefined)).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
  });

  it('holds another directory within, and the first one after it', () => {
    const root = plantBuildroot({ 'd/a': '', 'e/a': '' });
    const [d, e] = [join(root, 'd'), join(root, 'e')];
    const places = withDirectory(d, (first) => {
      const second = withDirectory(e, (held) => realpathSync(held));
      return [second, withDirectory(d, (held) => [held === first, realpathSync(held)])];
    });
    expect(places).toEqual([e, [true, d]]);
  });

  it('releases a directory when the work in it fails', () => {
    const root = plantBuildroot({ 'd/a': '' });
    const directory = join(root, 'd');
    const fail = () => {
      throw new Error('no');
    };
    expect(() => withDirectory(directory, fail)).toThrow('no');
    renameSync(directory, join(root, 'moved'));
    expect(() => withDirectory(directory, () => undefined)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
