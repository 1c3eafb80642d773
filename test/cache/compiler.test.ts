import { appendFileSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compilerDigest } from '../../src/cache/compiler.ts';
import { temporaryDirectory } from '../helpers/buildroot.ts';
import { python311 as interpreter } from '../helpers/interpreter.ts';

function newFiles() {
  const directory = temporaryDirectory();
  const files = ['python', 'libm.so', 'worker.py'].map((name) => join(directory, name));
  for (const file of files) writeFileSync(file, file.slice(-4));
  return files;
}

it('is the same wherever the files lie, in any order', () => {
  const files = newFiles();
  const elsewhere = newFiles();
  const digest = compilerDigest(interpreter, { flags: '', files })();
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(compilerDigest(interpreter, { flags: '', files: [...elsewhere].reverse() })()).toBe(digest);
  expect(compilerDigest({ ...interpreter, executable: '/opt/python' }, { flags: '', files })()).toBe(digest);
});

it('changes with the content of any file, the flags, and what the interpreter says of itself', () => {
  const files = newFiles();
  const digests = [compilerDigest(interpreter, { flags: '', files })()];
  digests.push(compilerDigest(interpreter, { flags: '-O', files })());
  digests.push(compilerDigest({ ...interpreter, version: '3.11.7' }, { flags: '', files })());
  digests.push(compilerDigest({ ...interpreter, magicNumber: 3494 }, { flags: '', files })());
  for (const [i, file] of files.entries()) {
    const other = `${file}-other`;
    writeFileSync(other, 'xyz.');
    digests.push(compilerDigest(interpreter, { flags: '', files: files.with(i, other) })());
  }
  expect(new Set(digests).size).toBe(digests.length);
});

it('sees that a file was changed in the same place, with the same size and mtime', () => {
  const files = newFiles();
  const [first = ''] = files;
  utimesSync(first, 1, 1);
  const before = compilerDigest(interpreter, { flags: '', files })();
  writeFileSync(first, 'xxxx');
  utimesSync(first, 1, 1);
  expect(compilerDigest(interpreter, { flags: '', files })()).not.toBe(before);
});

it('is none where a file cannot be read', () => {
  const files = newFiles();
  expect(compilerDigest(interpreter, { flags: '', files: [...files, '/no such file'] })()).toBeUndefined();
});

it('is not known if a file is replaced before it is computed', () => {
  const files = newFiles();
  const [path = ''] = files;
  const digest = compilerDigest(interpreter, { flags: '', files });
  const other = `${path}-new`;
  writeFileSync(other, readFileSync(path));
  renameSync(other, path);
  expect(digest()).toBeUndefined();
  expect(compilerDigest(interpreter, { flags: '', files })()).not.toBeUndefined();
});

it('is computed once', () => {
  const files = newFiles();
  const digest = compilerDigest(interpreter, { flags: '', files });
  const first = digest();
  appendFileSync(files[0] as string, 'more');
  expect(digest()).toBe(first);
});
