import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkCacheDirectory, makeCacheDirectory } from '../../src/cache/cache-directory.ts';
import { LocalStore } from '../../src/cache/local-store.ts';
import { UnusableCache } from '../../src/cache/unusable-cache.ts';
import { everythingIn, temporaryDirectory } from '../helpers/buildroot.ts';
import { leftoverOf } from '../helpers/leftovers.ts';

const keyOf = (i: number) => i.toString(16).padStart(2, '0') + '0'.repeat(62);
const hourSeconds = 3600;

function newStore() {
  const directory = join(temporaryDirectory(), 'cache');
  makeCacheDirectory(directory);
  const store = new LocalStore(checkCacheDirectory(directory));
  const put = (key: string, text: string) => store.put(key, [Buffer.from(text)]);
  const age = (key: string, seconds: number) => {
    const then = Date.now() / 1000 - seconds;
    utimesSync(store.pathOf(key), then, then);
  };
  return { directory, store, put, age };
}

describe('a local store', () => {
  it('stores entries in files named by their keys', () => {
    const { directory, store, put } = newStore();
    store.put(keyOf(1), [Buffer.from('on'), Buffer.from('e')]);
    put(keyOf(2), 'two');
    put(keyOf(2), 'two, again');
    expect([1, 2, 3].map((i) => store.get(keyOf(i))?.content.toString())).toEqual(['one', 'two, again', undefined]);
    expect(everythingIn(join(directory, 'v1'))).toEqual(['01', `01/${keyOf(1)}`, '02', `02/${keyOf(2)}`]);
    expect(Array.from(store.entries(), ({ key, sizeBytes }) => [key, sizeBytes])).toEqual([
      [keyOf(1), 3],
      [keyOf(2), 10],
    ]);
  });

  it('leaves nothing behind when an entry cannot be written', () => {
    const { directory, store, put } = newStore();
    put(keyOf(1), 'one');
    mkdirSync(join(directory, 'v1/01', keyOf(1).replace(/0$/, '1')));
    expect(() => put(keyOf(1).replace(/0$/, '1'), 'two')).toThrow('EISDIR');
    expect(everythingIn(join(directory, 'v1/01'))).toHaveLength(2);
    expect(store.get(keyOf(1).replace(/0$/, '1'))).toBeUndefined();
  });

  it('does not follow a symlink instead of an entry', () => {
    const { directory, store } = newStore();
    writeFileSync(join(directory, 'elsewhere'), 'elsewhere');
    mkdirSync(join(directory, 'v1/01'));
    symlinkSync('../../elsewhere', store.pathOf(keyOf(1)));
    expect(store.get(keyOf(1))).toBeUndefined();
    expect([...store.entries()]).toEqual([]);
  });

  it('records the use of an entry once an hour', () => {
    const { store, put, age } = newStore();
    const usedAgo = () => Date.now() / 1000 - statSync(store.pathOf(keyOf(1))).mtimeMs / 1000;
    put(keyOf(1), 'one');
    age(keyOf(1), 0.9 * hourSeconds);
    store.get(keyOf(1));
    expect(usedAgo()).toBeGreaterThan(0.8 * hourSeconds);
    age(keyOf(1), 1.1 * hourSeconds);
    store.get(keyOf(1));
    expect(usedAgo()).toBeLessThan(0.1 * hourSeconds);
  });

  it('evicts the least recently used entries, and leftovers of killed builds', () => {
    const { directory, store, put, age } = newStore();
    for (let i = 0; i < 4; i++) {
      put(keyOf(i), '0123456789');
      age(keyOf(i), [10, 40, 20, 30][i] as number);
    }
    const { pid } = spawnSync('true');
    const [killed, running] = [pid, 1].map((owner) => join(directory, 'v1/00', leftoverOf(owner)));
    for (const file of [killed, running]) writeFileSync(file as string, 'half');
    store.tally.add({ hits: 1, misses: 4, storedBytes: 40 });
    expect(store.trim(25)).toEqual({ removed: 2, bytes: 20 });
    expect([...store.entries()].map(({ key }) => key)).toEqual([keyOf(0), keyOf(2)]);
    expect([killed, running].map((file) => lstatSync(file as string, { throwIfNoEntry: false }) !== undefined)).toEqual(
      [false, true],
    );
    expect(store.tally.read()).toEqual({ hits: 1, misses: 4, storedBytes: 0 });
    expect(store.trim(25)).toEqual({ removed: 0, bytes: 20 });
  });

  it('sums the counts of builds, and reads a garbled tally', () => {
    const { directory, store } = newStore();
    expect(store.tally.read()).toEqual({ hits: 0, misses: 0, storedBytes: 0 });
    store.tally.add({ hits: 1, misses: 2, storedBytes: 3 });
    writeFileSync(join(directory, 'v1/tally'), `${readFileSync(join(directory, 'v1/tally'), 'utf8')}garbage\n1 2\n`);
    store.tally.add({ hits: 10, misses: 20, storedBytes: 30 });
    expect(store.tally.read()).toEqual({ hits: 11, misses: 22, storedBytes: 33 });
  });

  it.each([
    ['a fifo', (path: string) => execFileSync('mkfifo', [path])],
    ['a symlink', (path: string) => symlinkSync('/dev/null', path)],
    ['a file of 3 GB', (path: string) => truncateFile(path, 3 * 1024 ** 3)],
  ])('replaces %s by a new tally', (_name, plant) => {
    const { directory, store } = newStore();
    plant(join(directory, 'v1/tally'));
    expect(store.tally.read()).toEqual({ hits: 0, misses: 0, storedBytes: 0 });
    store.tally.add({ hits: 1, misses: 2, storedBytes: 3 });
    expect(store.tally.read()).toEqual({ hits: 1, misses: 2, storedBytes: 3 });
  });

  it('works without a tally if a directory has its name', () => {
    const { directory, store } = newStore();
    mkdirSync(join(directory, 'v1/tally'));
    store.tally.add({ hits: 1, misses: 2, storedBytes: 3 });
    store.tally.forgetStored();
    expect(store.tally.read()).toEqual({ hits: 0, misses: 0, storedBytes: 0 });
  });

  it('has no memory for an entry of 3 GB', () => {
    const { store, put } = newStore();
    put(keyOf(1), 'one');
    truncateFile(store.pathOf(keyOf(1)), 3 * 1024 ** 3);
    expect(() => store.get(keyOf(1))).toThrow('EFBIG');
  });

  it('is empty after clear, which leaves files of others alone', () => {
    const { directory, store, put } = newStore();
    put(keyOf(1), 'one');
    store.tally.add({ hits: 1, misses: 2, storedBytes: 3 });
    writeFileSync(join(directory, 'v1/01/notes'), 'not ours');
    expect(store.clear()).toBe(1);
    expect(everythingIn(directory)).toEqual(['CACHEDIR.TAG', 'v1', 'v1/01', 'v1/01/notes']);
  });
});

function truncateFile(path: string, sizeBytes: number): void {
  writeFileSync(path, '');
  truncateSync(path, sizeBytes);
}

describe('a cache directory', () => {
  it('is made with a tag for backup programs', () => {
    const directory = join(temporaryDirectory(), 'a/b');
    makeCacheDirectory(directory);
    expect(readFileSync(join(directory, 'CACHEDIR.TAG'), 'utf8')).toMatch(
      /^Signature: 8a477f597d28d172789f06886806bc55\n/,
    );
    expect(checkCacheDirectory(directory)).toBe(directory);
  });

  it('is where a symlink leads', () => {
    const { directory } = newStore();
    symlinkSync(directory, `${directory}-link`);
    expect(checkCacheDirectory(`${directory}-link`)).toBe(directory);
  });

  it.each([
    ['that other users may write to', (path: string) => chmodSync(path, 0o777), 'other users may write to it'],
    ['that a group may write to', (path: string) => chmodSync(path, 0o775), 'other users may write to it'],
    [
      'that is sticky, where others may add files',
      (path: string) => chmodSync(path, 0o1777),
      'other users may write to it',
    ],
    [
      'in which others may put entries',
      (path: string) => chmodSync(join(path, 'v1'), 0o777),
      '/v1: other users may write',
    ],
    [
      'with a part that other users may write to',
      (path: string) => chmodSync(join(path, 'v1/ab'), 0o1777),
      '/v1/ab: other users',
    ],
    [
      'with a symlink in the place of a part',
      (path: string) => {
        mkdirSync(join(path, '../elsewhere'));
        symlinkSync('../../elsewhere', join(path, 'v1/ac'));
      },
      '/v1/ac: it is a symlink',
    ],
    [
      'with a symlink in the place of all entries',
      (path: string) => {
        renameSync(join(path, 'v1'), join(path, '../elsewhere'));
        symlinkSync('../elsewhere', join(path, 'v1'));
      },
      '/v1: it is not a directory',
    ],
    [
      'below one that other users may write to',
      (path: string) => chmodSync(dirname(path), 0o777),
      'other users may write to',
    ],
  ])('%s is refused', (_name, change, reason) => {
    const { directory } = newStore();
    mkdirSync(join(directory, 'v1/ab'));
    change(directory);
    expect(() => checkCacheDirectory(directory)).toThrow(UnusableCache);
    expect(() => checkCacheDirectory(directory)).toThrow(`no cache is used: ${directory}`);
    expect(() => checkCacheDirectory(directory)).toThrow(reason);
  });

  it.each([
    ['that is not there', (path: string) => rmSync(path, { recursive: true })],
    ['that is empty', (path: string) => rmSync(join(path, 'v1'), { recursive: true })],
    ['with a file in the place of a part', (path: string) => writeFileSync(join(path, 'v1/ab'), '')],
    ['below a sticky one that other users may write to', (path: string) => chmodSync(dirname(path), 0o1777)],
  ])('%s is not refused, and has no entries', (_name, change) => {
    const { directory } = newStore();
    change(directory);
    expect([...new LocalStore(checkCacheDirectory(directory)).entries()]).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0).each(['.', 'v1', 'v1/ab', '..'])('of another user is refused: %s', (path) => {
    const { directory } = newStore();
    mkdirSync(join(directory, 'v1/ab'));
    chownSync(join(directory, path), 1234, 0);
    expect(() => checkCacheDirectory(directory)).toThrow('belongs to user 1234');
  });

  it('is not created below a directory that others can write to', () => {
    const above = temporaryDirectory();
    chmodSync(above, 0o777);
    expect(() => makeCacheDirectory(join(above, 'cache'))).toThrow(`other users may write to ${above} (mode 777)`);
    expect(everythingIn(above)).toEqual([]);
  });

  it.each(['/proc/nope', '/proc/nope/cache', '/sys/nope'])(
    'is not created where the kernel refuses directories: %s',
    (path) => {
      expect(() => makeCacheDirectory(path)).toThrow(
        /^no cache is used: .*: it cannot be made \((ENOENT|EPERM|EACCES)\)$/,
      );
    },
  );

  it('is refused if it cannot be created', () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    expect(() => makeCacheDirectory(join(file, 'cache'))).toThrow('it cannot be made (ENOTDIR)');
  });
});
