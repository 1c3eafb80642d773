import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { stopAll } from '../../src/exit-signal.ts';
import { withLock } from '../../src/manifest/lock.ts';
import { temporaryDirectory } from '../helpers/buildroot.ts';

const path = process.env['PATH'] ?? '';
afterEach(() => {
  process.env['PATH'] = path;
});

/** Another process, which has the lock until it is killed or its input ends. */
async function holder(lock: string) {
  const child = spawn('flock', [lock, 'sh', '-c', 'echo locked; exec cat'], { detached: true });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

const lockOf = (file: string) => join(file, '../.pyclink-lock');

const silent = () => expect.unreachable();

describe('withLock', () => {
  it('lets one run work at a time, and leaves no file behind', async () => {
    const file = join(temporaryDirectory(), 'm.json');
    writeFileSync(file, '0');
    const addOne = async () => {
      const before = Number(readFileSync(file, 'utf8'));
      await new Promise((resolve) => setImmediate(resolve));
      writeFileSync(file, `${before + 1}`);
    };
    await Promise.all(
      Array.from({ length: 8 }, () => withLock(file, silent, addOne, { quietMs: 60_000, maxMs: 60_000 })),
    );
    expect(readFileSync(file, 'utf8')).toBe('8');
    expect(existsSync(lockOf(file))).toBe(false);
  });

  it('waits for another process, reports it, and continues when that is done', async () => {
    const file = join(temporaryDirectory(), 'm.json');
    const other = await holder(lockOf(file));
    const said: string[] = [];
    const warn = (message: string) => {
      said.push(message);
      other.stdin.end();
    };
    expect(await withLock(file, warn, () => 'done', { quietMs: 1, maxMs: 60_000 })).toBe('done');
    expect(said).toEqual([`waiting for another process that has locked ${lockOf(file)}`]);
    expect(existsSync(lockOf(file))).toBe(false);
  });

  it('leaves no file behind if a signal ends the work', async () => {
    const file = join(temporaryDirectory(), 'm.json');
    await withLock(file, silent, async () => {
      expect(existsSync(lockOf(file))).toBe(true);
      await stopAll();
      expect(existsSync(lockOf(file))).toBe(false);
    });
  });

  it('takes over from a process that was killed', async () => {
    const file = join(temporaryDirectory(), 'm.json');
    const other = await holder(lockOf(file));
    process.kill(-(other.pid as number), 'SIGKILL');
    await once(other, 'exit');
    expect(existsSync(lockOf(file))).toBe(true);
    expect(await withLock(file, silent, () => 'done', { quietMs: 60_000, maxMs: 60_000 })).toBe('done');
    expect(existsSync(lockOf(file))).toBe(false);
  });

  it('gives up in the end', async () => {
    const file = join(temporaryDirectory(), 'm.json');
    await holder(lockOf(file));
    await expect(withLock(file, () => undefined, silent, { quietMs: 1, maxMs: 60 })).rejects.toMatchObject({
      code: 'file-failed',
      path: lockOf(file),
    });
  });

  it('gives the lock back when the work throws', async () => {
    const file = join(temporaryDirectory(), 'm.json');
    const failing = () => {
      throw new Error('no');
    };
    await expect(withLock(file, silent, failing)).rejects.toThrow('no');
    expect(await withLock(file, silent, () => 'done')).toBe('done');
  });

  it('continues without a lock if flock(1) is missing or fails, and warns', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'm.json');
    const said: string[] = [];
    process.env['PATH'] = directory;
    await withLock(
      file,
      (message) => said.push(message),
      () => undefined,
    );
    writeFileSync(join(directory, 'flock'), '#!/bin/sh\necho "flock: 0: No locks available" >&2\nexit 71\n', {
      mode: 0o755,
    });
    await withLock(
      file,
      (message) => said.push(message),
      () => undefined,
    );
    const meaning = 'runs that append at the same time may lose records';
    expect(said).toEqual([
      `${lockOf(file)}: not locked (flock(1) is not installed): ${meaning}`,
      `${lockOf(file)}: not locked (flock: 0: No locks available): ${meaning}`,
    ]);
  });

  it('does not touch files of others', async () => {
    const file = join(temporaryDirectory(), 'poetry');
    writeFileSync(`${file}.lock`, 'kept');
    writeFileSync(lockOf(file), 'kept');
    await withLock(file, silent, () => undefined);
    expect([`${file}.lock`, lockOf(file)].map((path) => readFileSync(path, 'utf8'))).toEqual(['kept', 'kept']);
  });

  it('refuses anything but a regular file', async () => {
    const file = join(temporaryDirectory(), 'm.json');
    execFileSync('mkfifo', [lockOf(file)]);
    await expect(withLock(file, silent, silent)).rejects.toMatchObject({
      message: 'is not a regular file',
      path: lockOf(file),
    });
    expect(existsSync(lockOf(file))).toBe(true);
  });

  it('reports which file cannot be opened', async () => {
    const file = join(temporaryDirectory(), 'missing/m.json');
    await expect(withLock(file, silent, silent)).rejects.toMatchObject({
      message: 'cannot be opened (ENOENT)',
      path: lockOf(file),
    });
  });
});
