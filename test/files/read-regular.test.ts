import { execFileSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRegular } from '../../src/files/read-regular.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';

describe('readRegular', () => {
  it.each([
    [undefined, 'text'],
    [3, 'tex'],
    [4, 'text'],
    [100, 'text'],
    [0, ''],
  ])('reads at most %s bytes, and the metadata', (maxBytes, text) => {
    const path = join(plantBuildroot({ file: 'text' }), 'file');
    const { ino, size } = lstatSync(path);
    const file = readRegular(path, maxBytes);
    expect(file?.content.toString()).toBe(text);
    expect(file?.stat).toMatchObject({ ino, size });
  });

  it.each(['missing', 'file/below', 'directory', 'symlink', 'loop', 'fifo'])('reads nothing at %s', (name) => {
    const root = plantBuildroot({
      file: 'text',
      directory: { directory: true },
      symlink: { symlink: 'file' },
      loop: { symlink: 'loop' },
    });
    execFileSync('mkfifo', [join(root, 'fifo')]);
    expect(readRegular(join(root, name))).toBeUndefined();
  });

  it('throws for any other reason', () => {
    expect(() => readRegular(`/${'x'.repeat(300)}`)).toThrow(expect.objectContaining({ code: 'ENAMETOOLONG' }));
  });
});
