/**
 * SIGINT and SIGTERM end every command while it is at work. What it works on would keep it busy for minutes, or for ever:
 * pycs of 32 MiB, most of it holes; pipes that nobody writes to or reads from; programs that never answer.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everythingIn, plant, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';
import { library, pycsOf, quietBuild } from './helpers/healthy.ts';
import { endOf, until } from './helpers/processes.ts';
import { lackingAbilities } from './helpers/tools.ts';

const signals = ['SIGINT', 'SIGTERM'] as const;
const mebibyte = 2 ** 20;
const sources = Array.from({ length: 300 }, (_, i) => `${library}/m${i}.py`);

interface Large {
  readonly buildroot: string;
  readonly manifest: string;
}

/** A built tree in which each of the 900 pycs is a file of its own, and so large. */
async function plantLarge(place: string, sizeBytes: number): Promise<Large> {
  const [built, buildroot, manifest] = ['built', 'buildroot', 'manifest.json'].map((name) => join(place, name)) as [
    string,
    string,
    string,
  ];
  plant(built, Object.fromEntries(sources.map((path) => [path, { content: '"""Docs."""\n', mtime: 1_600_000_000 }])));
  expect((await pyclink(quietBuild(built, '--manifest', manifest))).status).toBe(0);
  // This breaks the links.
  await execa('cp', ['-r', '--preserve=timestamps', built, buildroot]);
  for (const pyc of sources.flatMap(pycsOf)) truncateSync(join(buildroot, pyc), sizeBytes);
  return { buildroot, manifest };
}

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
}

/** A pyclink in a process of its own. What it writes is not read until it has ended. */
function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  wrapper: readonly string[] = [],
): ChildProcess {
  const [command = '', ...words] = [...wrapper, process.execPath, bundle, ...args];
  return spawn(command, words, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Sends the signal. @returns how the process ended, and what it had reported */
async function end(running: ChildProcess, signal: NodeJS.Signals): Promise<Ended> {
  const ended = once(running, 'exit');
  running.kill(signal);
  const [, by] = (await ended) as [number | null, NodeJS.Signals | null];
  const stdout: Buffer[] = [];
  for await (const chunk of running.stdout ?? []) stdout.push(chunk as Buffer);
  return { signal: by, stdout: Buffer.concat(stdout).toString() };
}

/** Waits until a process has read so much. */
async function hasRead(running: ChildProcess, bytes: number): Promise<void> {
  await until('reading', () => {
    const read = /^rchar: (\d+)/m.exec(readFileSync(`/proc/${running.pid}/io`, 'utf8'))?.[1];
    return Number(read) > bytes || undefined;
  });
}

let place: string;
let large: Large;
beforeAll(async () => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'pyclink-signals-')));
  large = await plantLarge(place, 32 * mebibyte);
}, 120_000);
afterAll(() => rmSync(place, { recursive: true }));

/** The mtime in a header. */
function recordedIn(pyc: string): number {
  const header = Buffer.alloc(16);
  const descriptor = openSync(pyc, 'r');
  readSync(descriptor, header);
  closeSync(descriptor);
  return header.readUInt32LE(8);
}

describe.each(signals)('%s, in the middle of a large tree', (signal) => {
  it.each<[string, (tree: Large) => string[]]>([
    ['verify', ({ buildroot, manifest }) => ['verify', '--manifest', manifest, buildroot]],
    ['audit', ({ buildroot }) => ['audit', buildroot]],
    ['link', ({ buildroot }) => ['link', '--buildroot', buildroot]],
    ['link --dry-run', ({ buildroot }) => ['link', '--dry-run', '--buildroot', buildroot]],
    ['link --normalize', ({ buildroot }) => ['link', '--normalize', '--buildroot', buildroot]],
    ['relink', ({ buildroot, manifest }) => ['relink', '--manifest', manifest, '--buildroot', buildroot]],
    ['a dry run of build', ({ buildroot }) => ['build', '--dry-run', '--keep-current', '--buildroot', buildroot]],
  ])('ends %s without a report or leftovers', async (_, words) => {
    const names = everythingIn(large.buildroot);
    const running = start(words(large));
    await hasRead(running, 256 * mebibyte);
    expect(await end(running, signal)).toEqual({ signal, stdout: '' });
    expect(everythingIn(large.buildroot)).toEqual(names);
    for (const pyc of sources.flatMap(pycsOf)) {
      expect(lstatSync(join(large.buildroot, pyc)).size).toBe(32 * mebibyte);
    }
  });

  it('ends restamp between two sources', async () => {
    const { buildroot } = await plantLarge(temporaryDirectory(), 4 * mebibyte);
    const names = everythingIn(buildroot);
    const running = start(['restamp', '--mtime', '5', '--buildroot', buildroot]);
    const mtimeOf = (source: string) => lstatSync(join(buildroot, source)).mtimeMs / 1000;
    await until('a source', () => sources.some((source) => mtimeOf(source) === 5) || undefined);
    expect(await end(running, signal)).toEqual({ signal, stdout: '' });
    expect(everythingIn(buildroot)).toEqual(names);
    expect(new Set(sources.map(mtimeOf))).toEqual(new Set([5, 1_600_000_000]));
    for (const source of sources) {
      for (const pyc of pycsOf(source)) expect(recordedIn(join(buildroot, pyc))).toBe(mtimeOf(source));
    }
  });

  it('from a terminal, which sends it to all programs of the command, is not logged as an error of files', async () => {
    const { buildroot } = await plantLarge(temporaryDirectory(), 4 * mebibyte);
    const words = ['restamp', '--mtime', '5', '--buildroot', buildroot];
    const running = spawn(process.execPath, [bundle, ...words], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const isDone = (source: string) => lstatSync(join(buildroot, source)).mtimeMs === 5000;
    await until('a source', () => sources.some(isDone) || undefined);
    const [said, ended] = [running.stderr.toArray(), once(running, 'exit')];
    process.kill(-(running.pid as number), signal);
    expect(Buffer.concat(await said).toString()).toBe('');
    expect(await ended).toEqual([null, signal]);
    expect(sources.every(isDone)).toBe(false);
  });

  it('ends cache check', async () => {
    const cache = temporaryDirectory();
    mkdirSync(join(cache, 'v1/00'), { recursive: true });
    for (let i = 0; i < 1000; i++) {
      const entry = join(cache, 'v1/00', `${i}`.padStart(64, '0'));
      writeFileSync(entry, '');
      truncateSync(entry, 32 * mebibyte);
    }
    const running = start(['cache', 'check', '--cache-dir', cache]);
    await hasRead(running, 256 * mebibyte);
    expect(await end(running, signal)).toEqual({ signal, stdout: '' });
  });
});

/** Waits until somebody has opened a FIFO for reading. @returns a descriptor: as long as it is open, the reader waits */
function readerOf(fifo: string): Promise<number> {
  return until('the reader', () => {
    try {
      return openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      return undefined;
    }
  });
}

describe.each(signals)('%s, while a read or a write does not return', (signal) => {
  it.each<[string, (fifo: string) => string[]]>([
    ['verify', (fifo) => ['verify', '--manifest', fifo, '/']],
    ['relink', (fifo) => ['relink', '--manifest', fifo, '--buildroot', large.buildroot]],
    ['audit', (fifo) => ['audit', '--baseline', fifo, large.buildroot]],
  ])('ends %s', async (_, words) => {
    const fifo = join(temporaryDirectory(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    const running = start(words(fifo));
    const descriptor = await readerOf(fifo);
    expect(await end(running, signal)).toEqual({ signal, stdout: '' });
    closeSync(descriptor);
  });

  it('ends inspect, whose report is larger than a pipe', async () => {
    const functions = Array.from({ length: 20_000 }, (_, i) => `def f${i}():\n    return ${i}\n`).join('');
    const buildroot = plantBuildroot({ [`${library}/m.py`]: functions });
    expect((await pyclink(quietBuild(buildroot, '-o', '0'))).status).toBe(0);
    const running = start(['inspect', join(buildroot, pycsOf(`${library}/m.py`)[0] as string)]);
    await once(running.stdout as NonNullable<ChildProcess['stdout']>, 'readable');
    expect(await end(running, signal)).toMatchObject({ signal });
  });
});

/** An audit of a package, and a program for it that never answers. */
async function startAudit(program: string, file: string, magic: string, wrapper: readonly string[] = []) {
  const directory = temporaryDirectory();
  const stub = (name: string, script: string) => {
    writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(directory, name), 0o755);
  };
  const path = "'/usr/lib/python3/dist-packages/m.py'";
  const header = `package 'shop-1-1.noarch'\n${path}\t1\t1\t0\t33188\t'root':'root'\t1\t1\t''\n`;
  writeFileSync(join(directory, 'header'), header);
  stub('rpm', `cat ${directory}/header`);
  stub(program, `echo $$ >${directory}/pid; exec sleep 1000`);
  writeFileSync(join(directory, file), Buffer.from(magic.padEnd(64, '\0'), 'latin1'));
  const words = ['audit', join(directory, file)];
  const running = start(words, { PATH: `${directory}:${process.env['PATH']}` }, wrapper);
  const pid = await until('the program', () => {
    const text = existsSync(join(directory, 'pid')) ? readFileSync(join(directory, 'pid'), 'utf8') : '';
    return text.endsWith('\n') ? Number(text) : undefined;
  });
  return { running, pid };
}

describe.each(signals)('%s, while another program is at work', (signal) => {
  it.each<[program: string, file: string, magic: string]>([
    ['rpm', 'shop.rpm', '\xed\xab\xee\xdb'],
    ['rpm2archive', 'shop.rpm', '\xed\xab\xee\xdb'],
    ['dpkg-deb', 'shop.deb', '!<arch>\n'],
    ['xz', 'shop.tar.xz', '\xfd7zXZ\0'],
    ['zstd', 'shop.tar.zst', '\x28\xb5\x2f\xfd'],
  ])('ends audit and %s', async (program, file, magic) => {
    const { running, pid } = await startAudit(program, file, magic);
    expect(await end(running, signal)).toEqual({ signal, stdout: '' });
    await endOf(pid);
  });

  it('ends a run that waits for the lock of a manifest', async () => {
    const buildroot = plantBuildroot({ [`${library}/m.py`]: 'x = 1\n' });
    const manifest = join(buildroot, '../manifest.json');
    expect((await pyclink(quietBuild(buildroot, '--manifest', manifest))).status).toBe(0);
    const holder = spawn('flock', [join(manifest, '../.pyclink-lock'), '-c', 'echo locked; cat'], { stdio: 'pipe' });
    await once(holder.stdout, 'data');
    const running = start(['restamp', '--mtime', '5', '--buildroot', buildroot, '--manifest', manifest]);
    const children = () => readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim();
    const child = await until('flock', () => children() || undefined);
    expect(await end(running, signal)).toEqual({ signal, stdout: '' });
    await endOf(Number(child));
    holder.stdin.end();
    await once(holder, 'exit');
    // It has not begun yet.
    expect(recordedIn(join(buildroot, pycsOf(`${library}/m.py`)[0] as string))).toBe(1_700_000_000);
  });
});

describe('what the caller sees', () => {
  const cases = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const;

  it.each(cases)('of %s is status %i in a shell', async (signal, status) => {
    const fifo = join(temporaryDirectory(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    const script = '"$@" & pid=$!; exec 3>"$0"; kill -s ${SIGNAL#SIG} $pid; wait $pid; echo $?';
    const words = [process.execPath, bundle, 'verify', '--manifest', fifo, '/'];
    const { stdout } = await execa('bash', ['-m', '-c', script, fifo, ...words], { env: { SIGNAL: signal } });
    expect(stdout).toBe(`${status}`);
  });

  // The kernel sends such a process only the signals that it handles, and does not let it end by one.
  const lacking = lackingAbilities('mounts');
  it.skipIf(lacking.length > 0).each(cases)(
    'of %s to the first process of a container is status %i',
    async (signal, status) => {
      const wrapper = ['unshare', '--pid', '--fork', '--mount-proc'];
      const { running } = await startAudit('xz', 'shop.tar.xz', '\xfd7zXZ\0', wrapper);
      const [first] = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').split(' ');
      const ended = once(running, 'exit');
      process.kill(Number(first), signal);
      expect(await ended).toEqual([status, null]);
    },
  );
});
