import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { expect, it, onTestFinished, vi } from 'vitest';
import { emptyCounts } from '../../src/cache/counts.ts';
import { RemoteCache } from '../../src/cache/remote-cache.ts';
import type { RemoteSettings } from '../../src/cache/remote-store.ts';

const key = 'a'.repeat(64);

/** What counts as an entry here. */
const asText = (bytes: Buffer) => (bytes.length === 3 ? bytes.toString() : undefined);

/** A server, and the cache that asks it. */
async function serving(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  settings: Partial<RemoteSettings> = {},
) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`);
    answer(request, response);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const counts = emptyCounts();
  const cache = new RemoteCache({ url: `http://127.0.0.1:${port}/base`, isWritable: true, ...settings }, counts);
  return { cache, counts, asked };
}

it('gets entries by key, and sends new ones', async () => {
  const stored = new Map<string, Buffer>();
  const { cache, counts, asked } = await serving((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const path = request.url ?? '';
      if (request.method === 'PUT') stored.set(path, Buffer.concat(pieces));
      response.statusCode = stored.has(path) ? 200 : 404;
      response.end(request.method === 'GET' ? stored.get(path) : '');
    });
  });
  expect(await cache.get(key, asText)).toBeUndefined();
  cache.put(key, [Buffer.from('on'), Buffer.from('e')]);
  await expect.poll(() => stored.size).toBe(1);
  expect(await cache.get(key, asText)).toBe('one');
  await cache.close(1000);
  expect(asked).toEqual([`GET /base/${key} `, `PUT /base/${key} `, `GET /base/${key} `]);
  expect(brotliDecompressSync(stored.get(`/base/${key}`) ?? '').toString()).toBe('one');
  expect(counts).toMatchObject({ sent: 1, notSent: 0, remoteCorrupt: 0 });
});

it.each([
  [{ token: 'abc' }, 'Bearer abc'],
  [{ login: { user: 'me', password: 'a:b' } }, `Basic ${Buffer.from('me:a:b').toString('base64')}`],
])('authenticates: %j', async (settings, authorization) => {
  const { cache, asked } = await serving((_, response) => response.writeHead(404).end(), settings);
  await cache.get(key, asText);
  expect(asked).toEqual([`GET /base/${key} ${authorization}`]);
});

it.each([
  [401, 1, 'HTTP status 401'],
  [403, 1, 'HTTP status 403'],
  [500, 3, 'HTTP status 500'],
  [204, 3, 'HTTP status 204'],
])('disables a server that responds with %d after %d requests', async (status, times, reason) => {
  const { cache, counts, asked } = await serving((_, response) => response.writeHead(status).end());
  for (let i = 0; i < 10; i++) expect(await cache.get(key, asText)).toBeUndefined();
  expect([asked.length, counts.remoteProblem, cache.isOn]).toEqual([times, reason, false]);
  cache.put(key, [Buffer.from('one')]);
  expect(counts.notSent).toBe(1);
});

it('continues if only some requests fail', async () => {
  let count = 0;
  const { cache, counts, asked } = await serving((_, response) =>
    response.writeHead(++count % 3 === 0 ? 404 : 500).end(),
  );
  for (let i = 0; i < 10; i++) await cache.get(key, asText);
  expect([asked.length, counts.remoteProblem]).toEqual([10, undefined]);
});

it('continues to use a server that has nothing', async () => {
  const { cache, asked } = await serving((_, response) => response.writeHead(404).end());
  for (let i = 0; i < 100; i++) await cache.get(key, asText);
  expect([asked.length, cache.isOn]).toEqual([100, true]);
});

it('disables a server without entries after five lost seconds, however many requests run at a time', async () => {
  const { cache, counts } = await serving((_, response) => response.writeHead(404).end());
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(() => clock.mockRestore());
  const askFor = async (isHeldUp: boolean, requests: number) => {
    const answers = Array.from({ length: requests }, () => cache.get(key, asText, () => isHeldUp));
    now += 4900;
    await Promise.all(answers);
  };
  await askFor(true, 64);
  expect(cache.isOn).toBe(true);
  // Interpreters had enough to do meanwhile.
  await askFor(false, 64);
  expect(cache.isOn).toBe(true);
  await askFor(true, 1);
  expect(counts.remoteProblem).toBe('its responses take too long');
});

it('disables a server at the first connection that is refused', async () => {
  const counts = emptyCounts();
  const cache = new RemoteCache({ url: 'http://127.0.0.1:9/base', isWritable: true }, counts);
  expect(await cache.get(key, asText)).toBeUndefined();
  expect(counts.remoteProblem).toBe('ECONNREFUSED');
});

it.each([
  ['a page for people', Buffer.from('<html>')],
  ['what is not compressed', Buffer.from('one')],
  ['no entry', brotliCompressSync(Buffer.from('no entry'))],
  ['a bomb', brotliCompressSync(Buffer.alloc(300 * 1024 ** 2), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
])('disables a server that responds with %s after three requests', async (_, body) => {
  const { cache, counts, asked } = await serving((_request, response) => response.end(body));
  for (let i = 0; i < 10; i++) expect(await cache.get(key, asText)).toBeUndefined();
  expect(asked).toHaveLength(3);
  expect(counts).toMatchObject({ remoteCorrupt: 3, remoteProblem: 'its response is not a cache entry' });
});

it('continues if only some responses are corrupt', async () => {
  const [right, wrong] = [brotliCompressSync(Buffer.from('one')), Buffer.from('garbage')];
  const { cache, counts, asked } = await serving((_, response) => response.end(asked.length % 3 === 0 ? right : wrong));
  for (let i = 0; i < 10; i++) await cache.get(key, asText);
  expect(asked).toHaveLength(10);
  expect(counts).toMatchObject({ remoteCorrupt: 7 });
});

it('sends nothing after it is closed, not even a retry', async () => {
  const { cache, asked } = await serving((_, response) => {
    if (asked.length === 1) response.writeHead(404).end();
  });
  expect(await cache.get(key, asText)).toBeUndefined();
  const late = cache.get(key, asText);
  await expect.poll(() => asked.length).toBe(2);
  await cache.close(0);
  expect(await late).toBeUndefined();
  expect([await cache.get(key, asText), cache.isOn, asked.length]).toEqual([undefined, false, 2]);
});

it('does not wait longer than requested', async () => {
  const { cache, counts } = await serving(() => undefined);
  cache.put(key, [Buffer.from('one')]);
  await cache.close(10);
  expect(counts).toMatchObject({ sent: 0, notSent: 1 });
  expect(cache.isOn).toBe(false);
});
