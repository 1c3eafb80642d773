import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compilerDigest } from '../../src/cache/compiler.ts';
import { encodePycHeader } from '../../src/pyc/header.ts';
import { temporaryDirectory } from '../helpers/buildroot.ts';
import { python311 as interpreter } from '../helpers/interpreter.ts';

function newFiles() {
  const directory = temporaryDirectory();
  const files = ['python', 'libm.so', 'worker.py'].map((name) => join(directory, name));
  for (const file of files) writeFileSync(file, file.slice(-4));
  return files;
}

function digestOf(files: readonly string[], started = '', changed: Partial<typeof interpreter> = {}) {
  const told = files.map((path) => ({ path, identity: '' }));
  return compilerDigest({ ...interpreter, ...changed }, { started, files: told });
}

it('does not depend on the paths and the order of the files', () => {
  const files = newFiles();
  const elsewhere = newFiles();
  const digest = digestOf(files)();
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(digestOf([...elsewhere].reverse())()).toBe(digest);
  expect(digestOf(files, '', { executable: '/opt/python' })()).toBe(digest);
});

it('changes with the content of any file, the flags, and the description of the interpreter', () => {
  const files = newFiles();
  const digests = [digestOf(files)()];
  digests.push(digestOf(files, '-O')());
  digests.push(digestOf(files, '', { version: '3.11.7' })());
  digests.push(digestOf(files, '', { magicNumber: 3494 })());
  for (const [i, file] of files.entries()) {
    const other = `${file}-other`;
    writeFileSync(other, 'xyz.');
    digests.push(digestOf(files.with(i, other))());
  }
  expect(new Set(digests).size).toBe(digests.length);
});

it('notices a file that was changed in place, with the same size and mtime', () => {
  const files = newFiles();
  const [first = ''] = files;
  utimesSync(first, 1, 1);
  const before = digestOf(files)();
  writeFileSync(first, 'xxxx');
  utimesSync(first, 1, 1);
  expect(digestOf(files)()).not.toBe(before);
});

it('is undefined if a file cannot be read, or none is reported', () => {
  const directory = temporaryDirectory();
  expect(digestOf([...newFiles(), directory])()).toBeUndefined();
  expect(digestOf([])()).toBeUndefined();
});

it('is undefined if a file is not the reported one', () => {
  const [path = ''] = newFiles();
  const { size, ino, dev, mtimeNs } = statSync(path, { bigint: true });
  const digestIf = (identity: string) => compilerDigest(interpreter, { started: '', files: [{ path, identity }] })();
  expect(digestIf(`${size} ${dev}:${ino} ${mtimeNs}`)).not.toBeUndefined();
  expect(digestIf(`${size} ${dev}:${ino + 1n} ${mtimeNs}`)).toBeUndefined();
  expect(digestIf(`${size}`)).not.toBeUndefined();
  expect(digestIf(`${size + 1n}`)).toBeUndefined();
});

describe('with the pyc of a module', () => {
  function newModule() {
    const directory = temporaryDirectory();
    const [source, pyc] = [join(directory, 'm.py'), join(directory, '__pycache__/m.cpython-311.pyc')];
    writeFileSync(source, 'x = 1\n');
    utimesSync(source, 1, 1_600_000_000.9);
    mkdirSync(join(directory, '__pycache__'));
    const digest = () => digestOf([source, pyc])();
    const digestWith = (code: string, sourceMtimeSeconds: number, magicNumber = 3495) => {
      const fields = {
        magicNumber,
        invalidationMode: 'timestamp',
        sourceMtimeSeconds,
        sourceSizeBytes: 6,
      } as const;
      writeFileSync(pyc, Buffer.concat([encodePycHeader(fields), Buffer.from(code)]));
      return digest();
    };
    return { source, pyc, digest, digestWith };
  }

  it('changes with the code in it', () => {
    const { digest, digestWith } = newModule();
    const without = digest();
    const first = digestWith('code', 1_600_000_000);
    expect(first).not.toBe(without);
    expect(digestWith('edoc', 1_600_000_000)).not.toBe(first);
    expect(digestWith('code', 1_600_000_000)).toBe(first);
  });

  it('does not change with a module that is not run', () => {
    const { source, digestWith } = newModule();
    const first = digestWith('code', 1_600_000_000);
    writeFileSync(source, 'x = 2\n');
    utimesSync(source, 1, 1_600_000_000.9);
    expect(digestWith('code', 1_600_000_000)).toBe(first);
    // The interpreter would not take a pyc of another release.
    const other = digestWith('code', 1_600_000_000, 3494);
    writeFileSync(source, 'x = 1\n');
    utimesSync(source, 1, 1_600_000_000.9);
    expect(digestWith('code', 1_600_000_000, 3494)).not.toBe(other);
  });

  it('is the same if the pyc is stale or unreadable: the interpreter runs the module', () => {
    const { pyc, digest, digestWith } = newModule();
    const without = digest();
    expect(digestWith('code', 1_600_000_001)).toBe(without);
    writeFileSync(pyc, 'garbage');
    expect(digest()).toBe(without);
  });

  it('does not depend on the mtime of the module', () => {
    const { source, digestWith } = newModule();
    const first = digestWith('code', 1_600_000_000);
    utimesSync(source, 1, 1_700_000_000);
    expect(digestWith('code', 1_700_000_000)).toBe(first);
  });
});

it('is undefined if a file is replaced before it is computed', () => {
  const files = newFiles();
  const [path = ''] = files;
  const digest = digestOf(files);
  const other = `${path}-new`;
  writeFileSync(other, readFileSync(path));
  renameSync(other, path);
  expect(digest()).toBeUndefined();
  expect(digestOf(files)()).not.toBeUndefined();
});

it('is computed once', () => {
  const files = newFiles();
  const digest = digestOf(files);
  const first = digest();
  appendFileSync(files[0] as string, 'more');
  expect(digest()).toBe(first);
});
