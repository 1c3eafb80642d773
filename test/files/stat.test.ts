import { execFileSync } from 'node:child_process';
import { linkSync, lstatSync, mkdtempSync, openSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fileSystemOf, fstat, lstat, lstatIfAny, stat, statIfAny, wholeSeconds } from '../../src/files/stat.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stat-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

describe('the metadata of a file', () => {
  it('is the same for all its names, through a symlink and when it is open', () => {
    const [a, b, link] = ['a', 'b', 'link'].map((name) => join(root, name)) as [string, string, string];
    writeFileSync(a, 'x', { mode: 0o640 });
    linkSync(a, b);
    symlinkSync('a', link);
    expect(lstat(b)).toEqual(lstat(a));
    expect(stat(link)).toEqual(lstat(a));
    expect(fstat(openSync(a, 'r'))).toEqual(lstat(a));
    expect(lstat(link)).toMatchObject({ kind: 'symlink', links: 1 });
    expect(lstat(a)).toMatchObject({ kind: 'file', links: 2, mode: 0o640, sizeBytes: 1 });
    expect(lstat(root).kind).toBe('directory');
    expect(lstat('/dev/null').kind).toBe('other');
    writeFileSync(join(root, 'c'), 'x');
    expect(lstat(join(root, 'c')).identity).not.toBe(lstat(a).identity);
    expect(fileSystemOf(lstat('/dev/null'))).not.toBe(fileSystemOf(lstat(a)));
  });

  it('is undefined for a missing file, if requested', () => {
    writeFileSync(join(root, 'a'), '');
    expect([
      lstatIfAny(join(root, 'b')),
      lstatIfAny(join(root, 'a/b')),
      statIfAny(join(root, 'b')),
      statIfAny(join(root, 'a/b')),
    ]).toEqual([undefined, undefined, undefined, undefined]);
    expect(() => lstat(join(root, 'b'))).toThrow('ENOENT');
  });
});

describe('identity', () => {
  afterEach(() => {
    vi.doUnmock('node:fs');
    vi.resetModules();
  });

  it.each([
    [2n ** 53n, 2n ** 53n + 1n],
    [2n ** 63n + 5n, 2n ** 63n + 6n],
    [2n ** 64n - 1n, 2n ** 64n - 2n],
  ])('distinguishes neighbours whose inode numbers a double would round: %i and %i', async (first, second) => {
    writeFileSync(join(root, 'a'), '');
    const real = lstatSync(join(root, 'a'), { bigint: true });
    const numbers = [first, second];
    vi.resetModules();
    vi.doMock('node:fs', () => ({ lstatSync: () => Object.assign(real, { ino: numbers.shift() }) }));
    const { lstat: stubbed } = await import('../../src/files/stat.ts');
    expect(Number(first)).toBe(Number(second));
    expect(stubbed('a').identity).not.toBe(stubbed('b').identity);
  });
});

describe('whole seconds', () => {
  const python = (times: readonly bigint[]): number[] => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    const script = `
import json, os, sys
for ns in json.load(sys.stdin):
    os.utime(sys.argv[1], ns=(0, int(ns)))
    print(int(os.stat(sys.argv[1]).st_mtime))
`;
    const input = JSON.stringify(times.map(String));
    return execFileSync('/usr/bin/python3', ['-c', script, file], { input, encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  };

  it('are those that Python writes into a header, whatever the fraction', () => {
    const now = 1_700_000_000n * 1_000_000_000n;
    const edges = [0n, 1n, 499_999_999n, 999_999_879n, 999_999_880n, 999_999_881n, 999_999_999n].map((ns) => now + ns);
    const others = fc.sample(fc.bigInt({ min: -(10n ** 18n), max: 4n * 10n ** 18n }), 500);
    const times = [...edges, 0n, 1n, -1n, -999_999_999n, -1_000_000_000n, ...others];
    expect(times.map(wholeSeconds)).toEqual(python(times));
  });

  it('do not round up where milliseconds would', () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    execFileSync('touch', ['-d', '@1700000000.999999879', file]);
    expect(Math.trunc(lstatSync(file).mtimeMs / 1000)).toBe(1_700_000_001);
    expect(wholeSeconds(lstat(file).modifiedNs)).toBe(1_700_000_000);
    utimesSync(file, 5, 5);
    expect(wholeSeconds(lstat(file).modifiedNs)).toBe(5);
  });
});
