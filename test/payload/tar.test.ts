import { Readable } from 'node:stream';
import { type Header, pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import { Budget, defaultReadLimits } from '../../src/payload/budget.ts';
import type { Search } from '../../src/payload/entry.ts';
import { entriesOf, readTar, searchForUnread } from '../../src/payload/tar.ts';
import { searchFor } from '../helpers/payload.ts';

type Member = readonly [header: Partial<Header> & { readonly name: string }, content?: string | Buffer];

async function tar(members: readonly Member[]): Promise<Buffer> {
  const packed = pack();
  for (const [given, content = ''] of members) {
    packed.entry({ mode: 0o644, uname: 'root', gname: 'root', mtime: new Date(7900), ...given }, content);
  }
  packed.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packed) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const source = { container: 'a.tar', prefix: 'a.tar:' };
const limits = { ...defaultReadLimits, maxFileBytes: 2_000_000 };

/** A search of a tar, with a second pass if the first left something unread. */
async function searched(members: readonly Member[], names = /\.pyc?$/) {
  const bytes = await tar(members);
  const { search, taken } = searchFor(names);
  const pass = (what: Search) => readTar(Readable.from([bytes]), what, source, new Budget('a.tar', limits));
  const contents = await pass(search);
  if (contents.unread.size > 0) await pass(searchForUnread(contents.unread));
  const entries = new Map(entriesOf(contents).map((entry) => [entry.path, entry]));
  return { ...contents, entries, taken };
}

/** Reads the bytes of a tar. */
function read(...chunks: Buffer[]) {
  return readTar(Readable.from(chunks), searchFor(/\.py$/).search, source, new Budget('a.tar', limits));
}

function withChecksum(bytes: Buffer): Buffer {
  bytes.fill(' ', 148, 156);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

describe('readTar', () => {
  it('lists the names of the search, and reads each file once', async () => {
    const { entries, taken } = await searched([
      [{ name: './usr/a.py', mode: 0o100755 }, 'x = 1\n'],
      [{ name: './usr/b.pyc' }, 'code'],
      [{ name: './usr/c.pyc', type: 'link', linkname: './usr/b.pyc' }],
      [{ name: './usr/other.txt' }, 'text'],
    ]);
    const facts = { type: 'file', container: 'a.tar', mode: 0o644, owner: 'root:root', mtimeSeconds: 7 };
    expect([...entries]).toEqual([
      ['/usr/a.py', { ...facts, path: '/usr/a.py', file: 'a.tar:1', sizeBytes: 6, mode: 0o755 }],
      ['/usr/b.pyc', { ...facts, path: '/usr/b.pyc', file: 'a.tar:2', sizeBytes: 4 }],
      ['/usr/c.pyc', { ...facts, path: '/usr/c.pyc', file: 'a.tar:2', sizeBytes: 4 }],
    ]);
    expect([...taken]).toEqual([
      ['/usr/a.py', Buffer.from('x = 1\n')],
      ['/usr/b.pyc', Buffer.from('code')],
    ]);
  });

  it('reads a file in a second pass if only a later name of it is listed, as in an ostree repository', async () => {
    const { entries, unread, taken } = await searched([
      [{ name: 'objects/ab.file' }, 'code'],
      [{ name: 'a.pyc', type: 'link', linkname: 'objects/ab.file' }],
      [{ name: 'b.pyc', type: 'link', linkname: 'a.pyc' }],
    ]);
    expect(Array.from(entries.values(), ({ path, file, sizeBytes }) => [path, file, sizeBytes])).toEqual([
      ['/a.pyc', 'a.tar:1', 4],
      ['/b.pyc', 'a.tar:1', 4],
    ]);
    expect(unread.size).toBe(1);
    expect(Array.from(taken.values(), String)).toEqual(['code']);
  });

  it('names links to files outside, and everything that is not listed', async () => {
    const { names } = await searched([
      [{ name: 'usr', type: 'directory' }],
      [{ name: 'a.pyc', type: 'link', linkname: 'elsewhere.pyc' }],
      [{ name: 'b.txt' }, 'x'],
      [{ name: 'pipe.pyc', type: 'fifo' }],
    ]);
    expect(Array.from(names, ([path, { entry, isListed, linkTo }]) => [path, entry?.type, isListed, linkTo])).toEqual([
      ['/usr', 'directory', false, undefined],
      ['/a.pyc', 'file', true, '/elsewhere.pyc'],
      ['/b.txt', 'file', false, undefined],
      ['/pipe.pyc', undefined, false, undefined],
    ]);
  });

  it('keeps a link to the file that a name had when the link was stored', async () => {
    const { entries, taken } = await searched([
      [{ name: 'a.pyc' }, 'old'],
      [{ name: 'b.pyc', type: 'link', linkname: 'a.pyc' }],
      [{ name: 'a.pyc' }, 'new'],
    ]);
    expect(Array.from(entries.values(), ({ path, file }) => [path, file])).toEqual([
      ['/b.pyc', 'a.tar:1'],
      ['/a.pyc', 'a.tar:3'],
    ]);
    expect(taken.size).toBe(1);
  });

  it.each(['usr/a.py', './usr/a.py', '/usr/a.py', 'usr//a.py', './usr/./a.py'])(
    'finds the file under the name %s',
    async (name) => {
      expect([...(await searched([[{ name }, 'x']])).entries.keys()]).toEqual(['/usr/a.py']);
    },
  );

  it('reads names of any length and any letters', async () => {
    const name = `${'usr/'.repeat(60)}${'é'.repeat(60)}/a b.pyc`;
    const { entries } = await searched([[{ name }, 'x'], [{ name: 'b.pyc', type: 'link', linkname: name }]]);
    expect(Array.from(entries.values(), ({ file }) => file)).toEqual(['a.tar:1', 'a.tar:1']);
  });

  it('uses numbers for owners without names', async () => {
    const { entries } = await searched([[{ name: 'a.py', uid: 5, gid: 6, uname: '', gname: '' }]]);
    expect(entries.get('/a.py' as PayloadPath)?.owner).toBe('5:6');
  });

  it('uses numbers for the owners in a layer of an image, which may have names in one layer only', async () => {
    const bytes = await tar([[{ name: 'a.py', uid: 5, gid: 6 }]]);
    const { search } = searchFor(/\.py$/);
    const layer = { ...source, layer: 'layer 1 of 1' };
    const { names } = await readTar(Readable.from([bytes]), search, layer, new Budget('a.tar', limits));
    expect(names.get('/a.py' as PayloadPath)?.entry?.owner).toBe('5:6');
  });

  it('lists symlinks with their targets, whatever their names', async () => {
    const { entries } = await searched([[{ name: 'lib', type: 'symlink', linkname: 'usr/lib' }]]);
    expect([...entries]).toEqual([['/lib', expect.objectContaining({ type: 'symlink', target: 'usr/lib' })]]);
  });

  it('reads a file of many chunks, but not one above the limit', async () => {
    const large = Buffer.alloc(1_000_003, 'x');
    const whole = await tar([
      [{ name: 'a.pyc' }, large],
      [{ name: 'b.pyc' }, Buffer.alloc(2_000_001)],
    ]);
    const pieces = Array.from({ length: Math.ceil(whole.length / 777) }, (_, i) =>
      whole.subarray(777 * i, 777 * (i + 1)),
    );
    const { search, taken } = searchFor(/\.pyc$/);
    await readTar(Readable.from(pieces), search, source, new Budget('a.tar', limits));
    expect(large.equals(taken.get('/a.pyc') as Buffer)).toBe(true);
    expect(taken.get('/b.pyc')).toMatch(/^is too large: 1.9 MiB/);
  });

  it.each([
    ['that is no tar', Buffer.alloc(2000, 'x')],
    [
      'that ends within a file',
      tar([[{ name: 'a.pyc' }, Buffer.alloc(5000)]]).then((bytes) => bytes.subarray(0, 2000)),
    ],
  ])('throws for a stream %s', async (_, bytes) => {
    const read = readTar(Readable.from([await bytes]), searchFor(/(?!)/).search, source, new Budget('a.tar'));
    await expect(read).rejects.toThrow();
  });

  it('throws the error of the stream', async () => {
    const broken = new Readable({ read: (): void => void broken.destroy(new Error('the disk is gone')) });
    const read = readTar(broken, searchFor(/(?!)/).search, source, new Budget('a.tar'));
    await expect(read).rejects.toThrow('the disk is gone');
  });

  it.each([
    ['a link', '1'],
    ['a symlink', '2'],
    ['a character device', '3'],
    ['a block device', '4'],
    ['a fifo', '6'],
  ])('refuses %s that has a size', async (_, type) => {
    const bytes = await tar([[{ name: 'a.py' }, 'x'.repeat(512)]]);
    bytes.write(type, 156);
    bytes.write('target', 157);
    await expect(read(withChecksum(bytes))).rejects.toThrow('a size that programs interpret differently');
  });

  it.each(['path', 'linkpath', 'size', 'GNU.sparse.name'])(
    'refuses a pax %s with a zero byte, or empty',
    async (key) => {
      for (const value of ['a.py\0.txt', '']) {
        const bytes = tar([[{ name: 'a.txt', pax: { [key]: value } }, 'x']]);
        await expect(read(await bytes)).rejects.toThrow('that programs interpret differently');
      }
    },
  );

  it('treats a file whose name ends with a slash as a directory, and refuses it with content', async () => {
    const { entries } = await searched([[{ name: 'a.py/' }], [{ name: 'a.py/b.py' }, 'x']]);
    expect(Array.from(entries.values(), ({ type }) => type)).toEqual(['directory', 'file']);
    await expect(searched([[{ name: 'a.py/' }, 'x'.repeat(512)]])).rejects.toThrow(
      'that programs interpret differently',
    );
  });

  it.each([
    ['a fifo', { name: 'a.pyc', type: 'fifo' }, undefined],
    ['a symlink', { name: 'a.pyc', type: 'symlink', linkname: 'nowhere' }, 'symlink'],
    ['a directory', { name: 'a.pyc', type: 'directory' }, 'directory'],
  ] as const)('lets %s replace the file before it', async (_, later, type) => {
    const { entries, names } = await searched([[{ name: 'a.pyc' }, 'old'], [later]]);
    expect(entries.get('/a.pyc' as PayloadPath)?.type).toBe(type);
    expect(names.get('/a.pyc' as PayloadPath)?.entry?.type).toBe(type);
  });

  it.each([
    ['a fifo', { name: 't', type: 'fifo' }, undefined],
    ['a symlink that leads nowhere', { name: 't', type: 'symlink', linkname: 'nowhere' }, 'symlink'],
    ['a directory', { name: 't/a.py' }, undefined],
  ] as const)('does not treat a link to %s as a file', async (_, first, type) => {
    const { entries, names } = await searched([[first], [{ name: 'a.pyc', type: 'link', linkname: 't' }]]);
    expect(entries.get('/a.pyc' as PayloadPath)?.type).toBe(type);
    expect(names.get('/a.pyc' as PayloadPath)?.linkTo).toBeUndefined();
  });

  it('follows its own symlinks on the way to a path', async () => {
    const { entries, taken } = await searched([
      [{ name: 'shop/cart.py' }, 'old'],
      [{ name: 'alias', type: 'symlink', linkname: 'shop' }],
      [{ name: 'alias/cart.py' }, 'new'],
      [{ name: 'b.py', type: 'link', linkname: 'alias/cart.py' }],
      [{ name: 'lib', type: 'symlink', linkname: '/usr/lib' }],
      [{ name: 'lib/c.py' }, 'x'],
    ]);
    const files = Array.from(entries.values(), ({ path, file }) => `${path} ${file.slice(-1)}`).sort();
    expect(files).toEqual(['/alias 2', '/b.py 3', '/lib 5', '/shop/cart.py 3', '/usr/lib/c.py 6']);
    expect(String(taken.get('/shop/cart.py'))).toBe('new');
  });

  it.each([
    [
      'a symlink and a directory',
      [
        { name: 'a', type: 'symlink', linkname: 'b' },
        { name: 'a', type: 'directory' },
      ],
    ],
    ['a directory with files and a file', [{ name: 'a/b.py' }, { name: 'a' }]],
    ['a directory with files and a symlink', [{ name: 'a/b.py' }, { name: 'a', type: 'symlink', linkname: 'b' }]],
    ['a file and a directory with files', [{ name: 'a' }, { name: 'a/b.py' }]],
  ] as const)('refuses a name that is %s', async (_, members) => {
    const all: Member[] = members.map((header) => [header]);
    await expect(searched(all)).rejects.toThrow('it has a directory that programs interpret differently: /a');
  });

  it('reads no more than 64 MiB behind the end', async () => {
    const bytes = await tar([[{ name: 'a.py' }, 'x']]);
    const more = (count: number) => [bytes, ...Array.from({ length: count }, () => Buffer.alloc(2 ** 20))];
    expect((await read(...more(63))).count).toBe(1);
    await expect(read(...more(65))).rejects.toThrow('more than 64 MiB after its end');
  });
});
