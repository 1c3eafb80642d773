/** Builds with a shared cache on real servers: the result is the same, whatever the servers do. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { execaSync } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeEntry, type Entry, encodeEntry } from '../src/cache/entry.ts';
import { plant, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { worlds } from '../test/helpers/worlds.ts';
import { built, type CachePlace, newPlace, smallTemplate } from './helpers/cached-build.ts';
import { stage } from './helpers/compileall.ts';
import { library } from './helpers/healthy.ts';
import { certificateIn, freePort, type Server, startApache, startNginx, startRedis } from './helpers/servers.ts';
import { describeWith, missingRoot, missingTools } from './helpers/tools.ts';

type Env = Readonly<Record<string, string>>;

const writing = { PYCLINK_CACHE_REMOTE_WRITE: '1' };

/** A build with a server; in a new place, so that nothing is there locally. */
function builtWith(url: string, template: string, place: CachePlace, env: Env = {}, flags: readonly string[] = []) {
  const options = { env: { PYCLINK_CACHE_REMOTE: url, ...env } };
  return built(template, place, ['--cache-dir', place.cache, ...flags], options);
}

/** A build without a cache, and one that has filled a server. */
async function filled(url: string, env: Env = {}) {
  const [template, place] = [smallTemplate(), newPlace()];
  const { result } = await built(template, place, []);
  const cold = await builtWith(url, template, place, { ...writing, ...env });
  expect(cold.result).toEqual(result);
  expect(cold.cache['remote']).toBe(0);
  return { template, result, stored: cold.cache['stored'] as number, cold };
}

/** What the log says of the cache. */
function linesAbout(url: string, stderr: string): string[] {
  return stderr.split('\n').filter((line) => line.includes(url));
}

const tools = missingTools('nginx', 'apache2', 'redis-server', 'openssl');
const valkey = worlds.trixie.missing === undefined ? missingRoot() : ['trixie'];

describeWith(tools, 'a server', () => {
  const servers: readonly (readonly [string, () => Promise<Server>])[] = [
    ['nginx', () => startNginx()],
    ['Apache', () => startApache()],
    ['redis-server', () => startRedis('redis-server')],
    ...(valkey.length === 0 ? [['valkey-server', () => startRedis('valkey-server')] as const] : []),
  ];

  it.each(servers)('%s gives another machine everything, and its local store is filled from it', async (_, start) => {
    const { url } = await start();
    const { template, result, stored, cold } = await filled(url);
    const { sent, notSent } = cold.cache as { sent: number; notSent: number };
    // A build does not wait long for a server.
    expect([sent > 0, sent + notSent]).toEqual([true, stored]);
    expect(cold.stderr).not.toContain('cache');
    let place = newPlace();
    let warm = await builtWith(url, template, place);
    const found = () => (warm.cache as { remote: number }).remote;
    // It has what it was sent, and perhaps what came after the build had stopped waiting. A late answer is a miss.
    for (let tries = 0; found() < sent && tries < 10; tries++) {
      place = newPlace();
      warm = await builtWith(url, template, place);
    }
    expect(found()).toBeGreaterThanOrEqual(sent);
    expect(warm.result).toEqual(result);
    // Three sources are never in a cache.
    const compiled = stored - found() + 3;
    expect(warm.cache).toMatchObject({ local: 0, compiled, sent: 0, notSent: 0, stored });
    const stats = await pyclink(['cache', 'stats', '--cache-dir', place.cache, '--json']);
    expect(JSON.parse(stats.stdout)).toMatchObject({ hits: found(), misses: compiled });
    const again = await builtWith('http://127.0.0.1:9', template, place);
    expect(again.result).toEqual(result);
    expect(again.cache).toMatchObject({ local: stored, compiled: 3 });
  });

  it('nginx set up as in docs/cache.md stores and returns entries, and logs no misses', async () => {
    const page = readFileSync(join(import.meta.dirname, '../docs/cache.md'), 'utf8');
    const [block = ''] = /^ {4}location \/pyclink\/ \{.*?^ {4}\}/ms.exec(page) ?? [];
    const store = temporaryDirectory();
    chmodSync(store, 0o777);
    const here = block.replace('/srv/pyclink/', `${store}/`).replace('10.0.0.0/8', '127.0.0.0/8');
    const server = await startNginx({ server: here });
    await filled(`${new URL(server.url).origin}/pyclink`);
    expect(readdirSync(store).length).toBeGreaterThan(0);
    expect(readFileSync(join(server.store, '../errors'), 'utf8')).not.toMatch(/\[error\]/);
  });

  it.each(servers)('%s has all entries: no source is compiled, and the report says so', async (_, start) => {
    const { url } = await start();
    const sources = Object.fromEntries(Array.from({ length: 87 }, (_, i) => [`${library}/m${i}.py`, `x = ${i}\n`]));
    const env = { PYCLINK_CACHE_REMOTE: url, ...writing };
    const build = (...flags: string[]) => {
      const options = ['--cache-dir', join(temporaryDirectory(), 'cache'), '-j', '2', ...flags];
      return pyclink(['build', '--buildroot', plantBuildroot(sources), ...options], { env });
    };
    // A build does not wait long for a server.
    const notSent = async () => JSON.parse((await build('--recache', '--json')).stdout).cache.notSent as number;
    await expect.poll(notSent, { timeout: 30_000 }).toBe(0);
    // Nor for an answer, if the machine has much to do: one that comes too late is a miss.
    const report = async () => (await build()).stdout;
    await expect.poll(report, { timeout: 30_000 }).toContain('cache: 87 of 87 found in the remote cache, 0 compiled\n');
  });

  it.each(servers)('nothing is sent to %s by default', async (_, start) => {
    const { url } = await start();
    const [template, place] = [smallTemplate(), newPlace()];
    const { cache } = await builtWith(url, template, place);
    expect(cache).toMatchObject({ remote: 0, sent: 0 });
    expect((await builtWith(url, template, newPlace())).cache).toMatchObject({ remote: 0 });
  });

  it.each(servers)('%s stores an entry of 10 MB, and two builds can write at once', async (_, start) => {
    const { url } = await start();
    const template = smallTemplate();
    const noise = Buffer.alloc(7_500_000);
    for (let i = 0, state = 1; i < noise.length; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      noise[i] = state >>> 16;
    }
    plant(template, { [`${library}/large.py`]: `text = "${noise.toString('base64')}"\n` });
    const places = [newPlace(), newPlace()];
    const { result } = await built(template, places[0] as CachePlace, []);
    const both = await Promise.all(places.map((place) => builtWith(url, template, place, writing)));
    expect(both.map((one) => one.result)).toEqual([result, result]);
    const warm = await builtWith(url, template, newPlace(), {}, ['--cache-verify=0']);
    expect(warm.result).toEqual(result);
    expect(warm.cache).toMatchObject({ remoteCorrupt: 0 });
    expect(warm.cache['remote']).toBeGreaterThan(0);
  });
});

describeWith(tools, 'a server with authentication', () => {
  const secretFile = (content: string) => {
    const file = join(temporaryDirectory(), 'secret');
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  const token = 'if ($http_authorization != "Bearer right") { return 403; }';

  const kinds: readonly (readonly [string, () => Promise<Server>, string, string, string])[] = [
    ['a token', () => startNginx({ server: token }), 'TOKEN', 'right', 'HTTP status 403'],
    [
      'a login',
      () => {
        const file = join(temporaryDirectory(), 'passwords');
        writeFileSync(file, 'me:{PLAIN}right\n');
        chmodSync(join(file, '..'), 0o755);
        return startNginx({ server: `auth_basic here; auth_basic_user_file ${file};` });
      },
      'LOGIN',
      'me:right',
      'HTTP status 401',
    ],
    [
      'a password of Redis',
      () => startRedis('redis-server', { redis: ['--requirepass', 'right'] }),
      'LOGIN',
      'default:right',
      'WRONGPASS',
    ],
  ];

  it.each(kinds)('and gets %s', async (_, start, kind, right, reason) => {
    const { url } = await start();
    const env = { [`PYCLINK_CACHE_REMOTE_${kind}_FILE`]: secretFile(`${right}\n`) };
    const { template, result, stored } = await filled(url, env);
    expect((await builtWith(url, template, newPlace(), env)).cache['remote']).toBeGreaterThan(0);

    const wrong = { [`PYCLINK_CACHE_REMOTE_${kind}_FILE`]: secretFile('me:wrong') };
    const refused = await builtWith(url, template, newPlace(), { ...writing, ...wrong });
    expect(refused.result).toEqual(result);
    expect(refused.cache).toMatchObject({ remote: 0, sent: 0, compiled: stored + 3, stored });
    expect(linesAbout(url, refused.stderr)).toEqual([
      expect.stringMatching(`^pyclink: warning: cache ${url}: disabled for this build: ${reason}`),
    ]);
  });

  it('works over TLS, with a given certificate', async () => {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o755);
    const certificate = certificateIn(directory);
    const { url } = await startNginx({ certificate });
    const { template, result } = await filled(url, { PYCLINK_CACHE_REMOTE_CA_FILE: certificate.file });
    const env = { PYCLINK_CACHE_REMOTE_CA_FILE: certificate.file };
    expect((await builtWith(url, template, newPlace(), env)).cache['remote']).toBeGreaterThan(0);
    const refused = await builtWith(url, template, newPlace());
    expect(refused.result).toEqual(result);
    expect(refused.cache).toMatchObject({ remote: 0 });
    expect(linesAbout(url, refused.stderr)).toEqual([expect.stringContaining('SELF_SIGNED_CERT')]);
  });

  it.each([
    ['a token that everybody may read', 'TOKEN', 0o644, 'x', 'the token is readable by everybody'],
    ['a token of two lines', 'TOKEN', 0o600, 'x\ny', 'the token is not one word of ASCII'],
    ['an empty token', 'TOKEN', 0o600, '\n', 'the token is not one word of ASCII'],
    ['no login', 'LOGIN', 0o600, 'x', 'the login is not USER:PASSWORD'],
    ['no certificate', 'CA', 0o600, 'x', 'it contains no PEM certificates'],
  ])('is not used with %s', async (_, kind, mode, content, reason) => {
    const [template, place] = [smallTemplate(), newPlace()];
    const file = secretFile(content);
    chmodSync(file, mode);
    const env = { [`PYCLINK_CACHE_REMOTE_${kind}_FILE`]: file };
    const { stderr, result } = await builtWith('http://127.0.0.1:9', template, place, env);
    expect(stderr).toContain(`pyclink: warning: no cache is used: ${file}: ${reason}\n`);
    expect(result.status).toBe(1);
  });
});

describeWith(tools, 'a server with bad entries', () => {
  const damages: readonly (readonly [string, (files: readonly string[]) => void])[] = [
    ['cut', (files) => change(files, (bytes) => bytes.subarray(0, bytes.length / 2))],
    ['empty', (files) => change(files, () => Buffer.alloc(0))],
    ['garbled', (files) => change(files, (bytes) => brotliCompressSync(brotliDecompressSync(bytes).fill('x', 80, 90)))],
    ['not compressed', (files) => change(files, (bytes) => brotliDecompressSync(bytes))],
    ['swapped', swap],
  ];

  it.each(damages)('%s: the sources are compiled, and the entries replaced if that is allowed', async (_, damage) => {
    const { url, store } = await startNginx();
    const { template, result, stored } = await filled(url);
    damage(readdirSync(store).map((name) => join(store, name)));
    const read = await builtWith(url, template, newPlace());
    expect(read.result).toEqual(result);
    expect(read.cache).toMatchObject({ remote: 0, compiled: stored + 3 });
    const { remoteCorrupt } = read.cache as { remoteCorrupt: number };
    expect(remoteCorrupt).toBeGreaterThanOrEqual(3);
    expect(linesAbout(url, read.stderr)).toEqual([
      `pyclink: warning: cache ${url}: ${remoteCorrupt} corrupt`,
      `pyclink: warning: cache ${url}: disabled for this build: its response is not a cache entry`,
    ]);
    // A server that only ever answers so is not used, until somebody has its entries replaced.
    const written = await builtWith(url, template, newPlace(), writing, ['--recache']);
    expect(written.cache).toMatchObject({ sent: stored });
    const healed = await builtWith(url, template, newPlace());
    expect(healed.result).toEqual(result);
    expect(healed.cache).toMatchObject({ remoteCorrupt: 0 });
  });

  it('with wrong code: --cache-verify stops with status 3, and a secret rejects them', async () => {
    const { url, store } = await startNginx();
    const { template, result } = await filled(url);
    for (const name of readdirSync(store)) {
      const bytes = brotliDecompressSync(readFileSync(join(store, name)));
      const { pycs, digests, warnings } = decodeEntry(name, bytes) as Entry;
      const planted = pycs.map(({ level, content }) => ({
        level,
        content: Buffer.concat([content, Buffer.from('N')]),
      }));
      const entry = Buffer.concat(encodeEntry(name, { pycs: planted, digests, warnings }));
      writeFileSync(join(store, name), brotliCompressSync(entry));
    }
    const place = newPlace();
    await expect(builtWith(url, template, place, {}, ['--cache-verify'])).rejects.toThrow();
    const secret = join(temporaryDirectory(), 'secret');
    writeFileSync(secret, '0123456789abcdef', { mode: 0o600 });
    const signed = await builtWith(url, template, newPlace(), { PYCLINK_CACHE_SECRET_FILE: secret });
    expect(signed.result).toEqual(result);
    expect(signed.cache).toMatchObject({ remote: 0, remoteCorrupt: 0 });
  });
});

describeWith(tools, 'a faulty server', () => {
  it('has no room for an entry: the entry is skipped, and the server still used', async () => {
    const { url, log } = await startNginx({ location: 'client_max_body_size 1500;' });
    const { stored, cold } = await filled(url);
    const { sent, notSent } = cold.cache as { sent: number; notSent: number };
    expect([sent > 0, notSent > 3, sent + notSent]).toEqual([true, true, stored]);
    expect(log()).toContain('PUT 413');
    expect(linesAbout(url, cold.stderr)).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)('has a full disk', async () => {
    const server = await startNginx();
    execaSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=777', 'none', server.store]);
    onTestFinished(() => void execaSync('umount', [server.store]));
    const { cold } = await filled(server.url);
    expect(linesAbout(server.url, cold.stderr)).toEqual([
      expect.stringContaining('disabled for this build: HTTP status 5'),
    ]);
  });

  it('redirects: followed only on the same server', async () => {
    const other = await startNginx();
    const { template, result } = await filled(other.url);
    const asked = other.log();
    const away = await startNginx({ location: `rewrite ^/cache/(.*)$ ${other.url}/$1 redirect;` });
    const { stderr, ...there } = await builtWith(away.url, template, newPlace(), writing);
    expect(there.result).toEqual(result);
    expect(other.log()).toBe(asked);
    const origin = new URL(other.url).origin;
    expect(linesAbout(away.url, stderr)).toEqual([
      `pyclink: warning: cache ${away.url}: disabled for this build: it redirects to ${origin}`,
    ]);
    const here = await startNginx({
      server: 'absolute_redirect off; location /moved/ { rewrite ^/moved/(.*)$ /cache/$1 redirect; }',
    });
    await filled(here.url);
    const moved = await builtWith(here.url.replace('/cache', '/moved'), template, newPlace());
    expect(moved.result).toEqual(result);
    expect(moved.cache['remote']).toBeGreaterThan(0);
  });

  const odd: readonly (readonly [string, (socket: Socket) => void, string])[] = [
    ['answers with garbage', (socket) => socket.end('\0\x01 what?\r\n\r\n'), 'HPE_INVALID'],
    ['closes the connection', (socket) => socket.destroy(), 'ECONNRESET'],
    ['never answers', () => undefined, 'no response within 1000 ms'],
    [
      'stops in the middle of an answer',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'),
      'ECONNRESET',
    ],
    [
      'has an answer without end',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
        const more = setInterval(() => socket.write('3\r\nabc\r\n'), 5);
        socket.on('close', () => clearInterval(more));
      },
      'no response within 1000 ms',
    ],
  ];

  it.each(odd)('%s: the build continues, and reports it once', async (_, answer, reason) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      socket.once('data', () => answer(socket));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    // More than a worker compiles before an answer is late.
    const template = join(temporaryDirectory(), 'template');
    stage(systemPython, join(template, library), ['asyncio', 'email', 'encodings', 'lib2to3', 'idlelib']);
    const place = newPlace();
    const { result } = await built(template, place, []);
    for (const url of [`http://127.0.0.1:${port}`, `redis://127.0.0.1:${port}`]) {
      const started = performance.now();
      const with_ = await builtWith(url, template, newPlace(), writing);
      expect(with_.result).toEqual(result);
      expect(with_.cache).toMatchObject({ remote: 0, sent: 0 });
      expect(performance.now() - started).toBeLessThan(30_000);
      const said = linesAbout(url, with_.stderr);
      // A build that was faster than the server has nothing to complain about.
      expect(said.length).toBeLessThanOrEqual(1);
      if (url.startsWith('http') && said.length > 0) expect(said[0]).toContain(reason);
    }
  });

  it('is not there', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const { result } = await built(template, place, []);
    for (const scheme of ['http', 'https', 'redis', 'rediss']) {
      const url = `${scheme}://127.0.0.1:${await freePort()}`;
      const without = await builtWith(url, template, newPlace(), writing);
      expect(without.result).toEqual(result);
      expect(linesAbout(url, without.stderr)).toEqual([
        `pyclink: warning: cache ${url}: disabled for this build: ECONNREFUSED`,
      ]);
    }
  });

  const signals = ['SIGSTOP', 'SIGKILL'] as const;
  it.each(
    signals.flatMap((signal) =>
      (['nginx', 'redis-server'] as const).flatMap((name) =>
        (['filled', 'empty'] as const).map((state) => [signal, name, state] as const),
      ),
    ),
  )('gets %s in the middle of a build (%s, %s)', async (signal, name, state) => {
    const server = name === 'nginx' ? await startNginx() : await startRedis(name);
    const template = join(temporaryDirectory(), 'template');
    stage(systemPython, join(template, library), ['asyncio', 'email', 'encodings', 'lib2to3', 'idlelib']);
    const place = newPlace();
    const { result } = await built(template, place, []);
    if (state === 'filled') await builtWith(server.url, template, place, writing);
    const running = builtWith(server.url, template, newPlace(), writing);
    await sleep(450);
    server.signal(signal);
    expect((await running).result).toEqual(result);
  });
});

describe('a server without a cache directory', () => {
  it('is not used, and the log says why', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const { result } = await built(template, place, []);
    const env = { PYCLINK_CACHE_REMOTE: 'http://127.0.0.1:9' };
    const without = await built(template, place, [], { env });
    expect(without.result).toEqual(result);
    expect(without.stderr).toContain(
      'no cache is used: http://127.0.0.1:9: a local cache directory is needed too: give --cache-dir\n',
    );
    expect((await built(template, place, ['--no-cache'], { env })).stderr).not.toContain('no cache is used');
  });
});

function change(files: readonly string[], to: (bytes: Buffer) => Buffer): void {
  for (const file of files) writeFileSync(file, to(readFileSync(file)));
}

/** Gives each file the name of the next. */
function swap(files: readonly string[]): void {
  const away = join(temporaryDirectory(), 'away');
  mkdirSync(away);
  for (const [i, file] of files.entries()) renameSync(file, join(away, `${i}`));
  for (const [i] of files.entries()) {
    const target = files[(i + 1) % files.length] as string;
    writeFileSync(target, readFileSync(join(away, `${i}`)));
  }
  rmSync(away, { recursive: true });
}
