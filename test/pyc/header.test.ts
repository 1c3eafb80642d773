import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type ImportedSource,
  type PycHeader,
  parsePycHeader,
  staleReason,
  withSourceMtime,
} from '../../src/pyc/header.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';
import { itOnEachPython } from '../helpers/each-python.ts';

/** The bytes of 32-bit words, little end first. */
function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => {
    bytes.writeUInt32LE(value >>> 0, 4 * i);
  });
  return bytes;
}

const magic = (number: number) => 0x0a0d0000 + number;
const timestamp = (magicNumber: number, sourceMtimeSeconds: number, sourceSizeBytes: number): PycHeader => ({
  magicNumber,
  invalidationMode: 'timestamp',
  sourceMtimeSeconds,
  sourceSizeBytes,
});
const hashed = (invalidationMode: 'checked-hash' | 'unchecked-hash'): PycHeader => ({
  magicNumber: 3495,
  invalidationMode,
  sourceHash: '0102030405060708',
});

describe('parsePycHeader', () => {
  it.each([
    ['CPython 3.11', words(magic(3495), 0, 1_600_000_000, 42), timestamp(3495, 1_600_000_000, 42)],
    ['CPython 3.6, whose header has no flags', words(magic(3379), 5, 42), timestamp(3379, 5, 42)],
    ['the first with flags', words(magic(3392), 0, 5, 42), timestamp(3392, 5, 42)],
    ['PyPy 3.6, whose header has no flags', words(magic(160), 5, 42), timestamp(160, 5, 42)],
    ['PyPy 3.7', words(magic(240), 0, 5, 42), timestamp(240, 5, 42)],
    ['the largest numbers', words(magic(3495), 0, -1, -1), timestamp(3495, 0xffffffff, 0xffffffff)],
    ['a checked hash', words(magic(3495), 3, 0x04030201, 0x08070605), hashed('checked-hash')],
    ['an unchecked hash', words(magic(3495), 1, 0x04030201, 0x08070605), hashed('unchecked-hash')],
    ['a check without a hash, which importlib takes for none', words(magic(3495), 2, 5, 42), timestamp(3495, 5, 42)],
    ['a header with code behind it', words(magic(3495), 0, 5, 42, 0xe3), timestamp(3495, 5, 42)],
    ['flags of the future', words(magic(3495), 0x80000001, 5, 42), { unreadable: 'has unknown flags 0x80000001' }],
    ['an empty file', Buffer.alloc(0), { unreadable: 'is too short to be a pyc' }],
    ['three bytes', words(magic(3495)).subarray(0, 3), { unreadable: 'is too short to be a pyc' }],
    ['text', Buffer.from('#!/usr/bin/python3'), { unreadable: 'does not start with a magic number' }],
    ['a cut header', words(magic(3495), 0, 5, 42).subarray(0, 15), { unreadable: 'ends within its header' }],
    ['a cut short header', words(magic(3379), 5, 42).subarray(0, 11), { unreadable: 'ends within its header' }],
  ])('reads %s', (_name, bytes, expected) => {
    expect(parsePycHeader(bytes)).toEqual(expected);
  });

  it('reads bytes in a larger buffer', () => {
    const bytes = Buffer.concat([Buffer.from('xyz'), words(magic(3495), 0, 5, 42)]).subarray(3);
    expect(parsePycHeader(bytes)).toEqual(timestamp(3495, 5, 42));
  });

  itOnEachPython('reads what $name writes', ({ executable, minor }) => {
    const root = plantBuildroot({ 'a.py': { content: 'x = 1\n', mtime: 1_600_000_000 } });
    const script =
      'import sys, py_compile, importlib.util as u\n' +
      'modes = getattr(py_compile, "PycInvalidationMode", ())\n' +
      'py_compile.compile("a.py", "a.pyc", doraise=True, **({"invalidation_mode": modes.TIMESTAMP} if modes else {}))\n' +
      'for mode in modes:\n' +
      '    py_compile.compile("a.py", mode.name + ".pyc", doraise=True, invalidation_mode=mode)\n' +
      'print(int.from_bytes(u.MAGIC_NUMBER[:2], "little"), u.source_hash(b"x = 1\\n").hex() if modes else "")';
    const said = execFileSync(executable, ['-I', '-c', script], { cwd: root, encoding: 'utf8' });
    const [number = '', sourceHash] = said.trim().split(' ');
    const read = (name: string) => parsePycHeader(readFileSync(join(root, name)));
    expect(read('a.pyc')).toEqual(timestamp(Number(number), 1_600_000_000, 6));
    if (minor === '3.6') return;
    const hash = { magicNumber: Number(number), sourceHash };
    expect(read('CHECKED_HASH.pyc')).toEqual({ ...hash, invalidationMode: 'checked-hash' });
    expect(read('UNCHECKED_HASH.pyc')).toEqual({ ...hash, invalidationMode: 'unchecked-hash' });
  });
});

describe('staleReason', () => {
  const source = (mtimeSeconds: number, sizeBytes: number, hash = ''): ImportedSource => ({
    mtimeSeconds,
    sizeBytes,
    hash: (magicNumber) => (magicNumber === 3495 ? hash : 'asked for the wrong interpreter'),
  });

  it.each([
    [timestamp(3495, 5, 42), source(5, 42), undefined],
    [
      timestamp(3495, 5, 42),
      source(6, 42),
      'it records mtime 1970-01-01T00:00:05Z, the source has 1970-01-01T00:00:06Z',
    ],
    [timestamp(3495, 5, 42), source(5, 43), 'it records 42 bytes, the source has 43'],
    [
      timestamp(3495, 5, 42),
      source(6, 43),
      'it records mtime 1970-01-01T00:00:05Z, the source has 1970-01-01T00:00:06Z',
    ],
    [timestamp(3495, 1, 42), source(2 ** 32 + 1, 42), undefined],
    [timestamp(3495, 0xffffffff, 42), source(-1, 42), undefined],
    [timestamp(3495, 5, 1), source(5, 2 ** 32 + 1), undefined],
    [hashed('checked-hash'), source(0, 0, '0102030405060708'), undefined],
    [hashed('unchecked-hash'), source(0, 0, '0102030405060708'), undefined],
    [hashed('checked-hash'), source(0, 0, '0102030405060709'), 'the hash of the source does not match'],
    [hashed('unchecked-hash'), source(0, 0, ''), 'the hash of the source does not match'],
  ])('of %o against %o is %s', (header, facts, expected) => {
    expect(staleReason(header, facts)).toBe(expected);
  });
});

describe('withSourceMtime', () => {
  const code = Buffer.from('code');
  const pyc = (...header: number[]) => Buffer.concat([words(...header), code]);

  it.each([
    ['a source', pyc(magic(3495), 0, 5, 42), pyc(magic(3495), 0, 7, 42)],
    ['a source for Python 3.6', pyc(magic(3379), 5, 42), pyc(magic(3379), 7, 42)],
    ['an empty source for Python 3.6, which has no hashes', pyc(magic(3379), 5, 0), pyc(magic(3379), 7, 0)],
    // What importlib.util.source_hash(b'') of Python 3.11 gives.
    ['an empty source, with a hash', pyc(magic(3495), 0, 5, 0), pyc(magic(3495), 3, 0xd59c8d73, 0x737fe8d5)],
    ['an empty source that has the mtime, too', pyc(magic(3495), 0, 7, 0), pyc(magic(3495), 3, 0xd59c8d73, 0x737fe8d5)],
  ])('stamps the pyc of %s', (_name, before, after) => {
    expect(withSourceMtime(before, 7)).toEqual(after);
  });

  it.each([
    ['the same mtime', pyc(magic(3495), 0, 7, 42)],
    ['a hash', pyc(magic(3495), 1, 5, 42)],
    ['no header', code],
  ])('leaves a pyc with %s', (_name, before) => {
    expect(withSourceMtime(before, 7)).toBe(before);
  });
});
