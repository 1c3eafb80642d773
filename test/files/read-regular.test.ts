import { execFileSync } from 'node:child_process';
import { appendFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRegular } from '../../src/files/read-regular.ts';
import { lstat } from '../../src/files/stat.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';

describe('readRegular', () => {
  it.each(['text', '', 'more than one read would give '.repeat(10_000)])('reads the bytes and the metadata', (text) => {
    const path = join(plantBuildroot({ file: text }), 'file');
    const file = readRegular(path);
    expect(file?.content.toString()).toBe(text);
    expect(file?.stat).toMatchObject({ identity: lstat(path).identity, sizeBytes: text.length });
  });

  it('reads no more than there was at open, and no more than there is now', () => {
    const path = join(plantBuildroot({ file: 'text' }), 'file');
    const changing = (change: () => void) =>
      readRegular(path, (sizeBytes) => {
        change();
        return Buffer.alloc(sizeBytes);
      });
    expect(changing(() => appendFileSync(path, ' and more'))?.content.toString()).toBe('text');
    expect(changing(() => truncateSync(path, 2))?.content.toString()).toBe('te');
  });

  it('refuses a file of 2 GiB before it takes memory', () => {
    const path = join(plantBuildroot({ file: '' }), 'file');
    truncateSync(path, 2 ** 31);
    expect(() => readRegular(path, () => expect.unreachable())).toThrow('EFBIG: file too large');
  });

  it('reports if there is no memory for a file', () => {
    const path = join(plantBuildroot({ file: 'text' }), 'file');
    expect(() => readRegular(path, () => Buffer.allocUnsafe(Number.MAX_SAFE_INTEGER))).toThrow('ENOMEM');
  });

  it.each(['missing', 'file/below', 'directory', 'symlink', 'loop', 'fifo'])('returns undefined for %s', (name) => {
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
