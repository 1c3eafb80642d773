/** Cache directories that somebody else could have written to, or in which something else lies: no build ends or hangs. */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { built, entriesOf, newPlace, smallTemplate } from './helpers/cached-build.ts';

const isRoot = process.getuid?.() === 0;
const stranger = 1234;

/** A place with a full cache, and what a build without one makes. */
async function filled() {
  const [template, place] = [smallTemplate(), newPlace()];
  const flags = ['--cache-dir', place.cache];
  const { cache, result } = await built(template, place, flags);
  const shards = readdirSync(join(place.cache, 'v1')).filter((name) => name.length === 2);
  return { template, place, flags, result, stored: cache['stored'] as number, shards };
}

const shardOf = (cache: string, shard = '') => join(cache, 'v1', shard);

describe('a cache directory', () => {
  it.each(['/proc/nope', '/proc/self/nope/cache', '/sys/nope'])('%s: the build goes on without it', async (cache) => {
    const [template, place] = [smallTemplate(), newPlace()];
    const without = await built(template, place, []);
    const { result, stderr } = await built(template, place, ['--cache-dir', cache]);
    expect(result).toEqual(without.result);
    expect(stderr).toContain(`no cache is used: ${cache}: it cannot be made (`);
  });

  it('is refused, and the report says how many sources were compiled', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    mkdirSync(place.cache);
    chmodSync(place.cache, 0o1777);
    const { cache } = await built(template, place, ['--cache-dir', place.cache]);
    expect(cache).toMatchObject({
      local: 0,
      stored: 0,
      problems: [expect.stringContaining('other users may write to it')],
    });
    expect(cache['compiled']).toBeGreaterThan(5);
    expect(readdirSync(place.cache)).toEqual([]);
    const call = ['build', '--buildroot', place.buildroot, '--cache-dir', place.cache];
    expect((await pyclink(call)).stdout).toContain(
      `cache: 0 of ${cache['compiled']} found in the local cache, ${cache['compiled']} compiled`,
    );
  });

  it('is not created below a directory that other users may write to', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const above = join(place.cache, '../above');
    mkdirSync(above);
    chmodSync(above, 0o777);
    const { stderr } = await built(template, place, ['--cache-dir', join(above, 'cache')]);
    expect(stderr).toContain(`no cache is used: ${above}/cache: other users may write to ${above} (mode 777)`);
    expect(readdirSync(above)).toEqual([]);
  });

  it('is not created in the buildroot through a symlink', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const way = join(place.cache, '../way');
    execaSync('ln', ['-s', place.buildroot, way]);
    const { stderr } = await built(template, place, ['--cache-dir', join(way, 'cache')]);
    expect(stderr).toContain(`no cache is used: ${place.buildroot}/cache: it is inside the buildroot`);
    expect(readdirSync(place.buildroot)).toEqual(['usr']);
  });

  it.runIf(isRoot)('is not used if a part belongs to another user', async () => {
    const { template, place, flags, result, shards } = await filled();
    const shard = shardOf(place.cache, shards[0]);
    chownSync(shard, stranger, stranger);
    const warm = await built(template, place, flags);
    expect(warm.result).toEqual(result);
    expect(warm.cache).toMatchObject({ local: 0, stored: 0 });
    expect(warm.stderr).toContain(`no cache is used: ${shard}: it belongs to user ${stranger}`);
    expect(await pyclink(['cache', 'stats', ...flags])).toMatchObject({ status: 2 });
  });

  it.each([
    ['others may write', (file: string) => chmodSync(file, 0o666)],
    ['another user owns', (file: string) => chownSync(file, isRoot ? stranger : 0, 0)],
  ])('with entries that %s: the sources are compiled, and the entries replaced', async (_, change) => {
    const { template, place, flags, result, stored } = await filled();
    for (const file of entriesOf(place)) change(file);
    const checked = await pyclink(['cache', 'check', ...flags]);
    expect(checked.status).toBe(1);
    expect(checked.stdout).toContain(`pyclink: ${stored} entries not used: other users could have written them\n`);
    const warm = await built(template, place, flags);
    expect(warm.result).toEqual(result);
    expect(warm.cache).toMatchObject({ local: 0, foreign: stored, corrupt: 0, stored });
    expect(warm.stderr).toContain(`cache ${place.cache}: ${stored} not used: other users could have written them\n`);
    const healed = await built(template, place, flags);
    expect(healed.cache).toMatchObject({ local: stored, foreign: 0 });
    expect(await pyclink(['cache', 'check', ...flags])).toMatchObject({ status: 0 });
  });

  it.each([
    ['a fifo as its tally', (cache: string) => mkfifo(shardOf(cache, 'tally'))],
    ['a tally of 3 GB', (cache: string) => execaSync('truncate', ['-s', '3G', shardOf(cache, 'tally')])],
    ['a directory as its tally', (cache: string) => mkdirSync(shardOf(cache, 'tally'))],
    ['a fifo as its tag', (cache: string) => mkfifo(join(cache, 'CACHEDIR.TAG'))],
  ])('with %s is used', async (_, plant) => {
    const { template, place, flags, result, stored } = await filled();
    rmSync(shardOf(place.cache, 'tally'));
    rmSync(join(place.cache, 'CACHEDIR.TAG'));
    plant(place.cache);
    const warm = await built(template, place, flags);
    expect(warm.result).toEqual(result);
    expect(warm.cache).toMatchObject({ local: stored, problems: [] });
    for (const action of ['stats', 'check', 'trim', 'clear']) {
      expect(await pyclink(['cache', action, ...flags])).toMatchObject({ status: 0, stderr: '' });
    }
  });

  it.each([
    ['a file', (path: string) => writeFileSync(path, '')],
    ['a fifo', mkfifo],
    ['a file of 3 GB', (path: string) => execaSync('truncate', ['-s', '3G', path])],
  ])('with %s instead of a part or of entries is used as far as possible', async (_, plant) => {
    const { template, place, flags, result, stored, shards } = await filled();
    const [entry = '', ...others] = entriesOf(place);
    rmSync(entry);
    plant(entry);
    const [shard = ''] = others.map((file) => join(file, '..')).filter((path) => path !== join(entry, '..'));
    const lost = readdirSync(shard).length + 1;
    rmSync(shard, { recursive: true });
    plant(shard);
    const warm = await built(template, place, flags);
    expect(warm.result).toEqual(result);
    expect(warm.cache).toMatchObject({ local: stored - lost });
    expect(warm.stderr).toMatch(new RegExp(`cache ${place.cache}: \\d+ not stored \\(ENOTDIR\\)\n`));
    expect(shards.length).toBeGreaterThan(2);
    const stats = await pyclink(['cache', 'stats', ...flags]);
    expect(stats).toMatchObject({ status: 0, stderr: '' });
    for (const action of ['trim', 'clear']) {
      expect(await pyclink(['cache', action, ...flags])).toMatchObject({ status: 0, stderr: '' });
    }
    expect(existsSync(shard)).toBe(true);
  });
});

describe('pyclink cache', () => {
  it.each(['missing', 'empty'])('has no entries in a directory that is %s, and stores none', async (kind) => {
    const above = temporaryDirectory();
    const directory = join(above, 'cache');
    if (kind === 'empty') mkdirSync(directory);
    const warning = `pyclink: warning: ${directory}: there is no cache\n`;
    const said = async (action: string) => {
      const { status, stdout, stderr } = await pyclink(['cache', action, '--cache-dir', directory]);
      return [status, stdout, stderr];
    };
    expect(await said('stats')).toEqual([
      0,
      `pyclink: cache ${directory}\npyclink: 0 entries, 0.0 KiB of 2048.0 MiB\npyclink: 0 hits of 0 sources\n`,
      warning,
    ]);
    expect(await said('check')).toEqual([0, 'pyclink: 0 entries valid, 0 corrupt\n', warning]);
    expect(await said('trim')).toEqual([0, 'pyclink: 0 entries removed, 0.0 KiB left\n', warning]);
    expect(await said('clear')).toEqual([0, 'pyclink: 0 entries removed\n', warning]);
    expect(readdirSync(above)).toEqual(kind === 'empty' ? ['cache'] : []);
    if (kind === 'empty') expect(readdirSync(directory)).toEqual([]);
  });

  it('check distinguishes entries of other secrets and versions from corrupt ones', async () => {
    const { template, place, flags, stored } = await filled();
    const secret = join(place.cache, '../secret');
    writeFileSync(secret, 'a secret that is long enough\n', { mode: 0o600 });
    const env = { PYCLINK_CACHE_SECRET_FILE: secret };
    await built(template, place, flags, { env });
    const [first = ''] = entriesOf(place);
    const later = `${first.slice(0, -1)}${first.endsWith('0') ? '1' : '0'}`;
    writeFileSync(later, readFileSync(first, 'latin1').replace(/ ?1\n/, ' 2\n'), 'latin1');
    const said = async (more: Readonly<Record<string, string>>) =>
      await pyclink(['cache', 'check', ...flags], { env: more });
    const version = 'pyclink: 1 entry of another version of pyclink, not checked\n';
    expect(await said(env)).toMatchObject({
      status: 0,
      stdout: `pyclink: ${2 * stored} entries valid, 0 corrupt\n${version}`,
    });
    writeFileSync(secret, 'another secret, also long enough\n');
    expect(await said(env)).toMatchObject({
      status: 0,
      stdout:
        `pyclink: ${stored} entries valid, 0 corrupt\n` +
        `pyclink: ${stored} entries signed with another secret, not checked\n${version}`,
    });
  });
});

describe('variables of the cache that cannot be used', () => {
  const bad = { PYCLINK_CACHE_MAX_SIZE: 'huge', PYCLINK_CACHE_REMOTE: 'ftp://h', PYCLINK_CACHE_REMOTE_WRITE: 'yes' };

  it('cause a warning, and the build continues without a cache', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const without = await built(template, place, []);
    const { result, stderr, cache } = await built(template, place, ['--cache-dir', place.cache], { env: bad });
    expect(result).toEqual(without.result);
    expect(stderr).toContain(
      'pyclink: warning: no cache is used: PYCLINK_CACHE_MAX_SIZE: takes a size in bytes, or with K, M, G or T; ' +
        'PYCLINK_CACHE_REMOTE: takes the URL of a server: http, https, redis or rediss; ' +
        'PYCLINK_CACHE_REMOTE_WRITE: takes 0 or 1\n',
    );
    expect(cache['compiled']).toBeGreaterThan(5);
    expect(existsSync(place.cache)).toBe(false);
  });

  it('are not read with --no-cache', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const without = await built(template, place, []);
    const env = { ...bad, PYCLINK_CACHE_DIR: place.cache };
    const { result, stderr, cache } = await built(template, place, ['--no-cache'], { env });
    expect([result, stderr, cache]).toEqual([without.result, without.stderr, undefined]);
    expect(existsSync(place.cache)).toBe(false);
  });
});

function mkfifo(path: string): void {
  execaSync('mkfifo', [path]);
}
