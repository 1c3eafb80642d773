import { Readable } from 'node:stream';
import { type Header, pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import { Budget } from '../../src/payload/budget.ts';
import type { Wanted } from '../../src/payload/entry.ts';
import { readTar } from '../../src/payload/tar.ts';
import { sourceHash } from '../../src/pyc/source-hash.ts';
import { sha256Of } from '../../src/sha256.ts';
import { pycOf, wholeCode } from '../helpers/marshal.ts';

const pyc = pycOf(wholeCode);
[0x0a0d0000 + 3495, 0, 5, 6].forEach((word, i) => {
  pyc.writeUInt32LE(word, 4 * i);
});
const header = { magicNumber: 3495, invalidationMode: 'timestamp', sourceMtimeSeconds: 5, sourceSizeBytes: 6 };
const facts = { sizeBytes: 0, mode: 0o644, owner: 'root:root', mtimeSeconds: 7 };

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

async function read(
  members: readonly Member[],
  sources: readonly string[] = [],
  hashMagicNumbers: readonly number[] = [],
) {
  const wanted: Wanted = { pycs: new Set(), sources: new Set(sources as PayloadPath[]), hashMagicNumbers };
  return readTar(Readable.from([await tar(members)]), wanted, new Budget('archive'));
}

describe('readTar', () => {
  it('reads a pyc, its source, and a second name of the pyc', async () => {
    const entries = await read(
      [
        [{ name: './usr/a.py', mode: 0o100755 }, 'x = 1\n'],
        [{ name: './usr/__pycache__/a.x.pyc' }, pyc],
        [{ name: './usr/__pycache__/a.x.opt-1.pyc', type: 'link', linkname: './usr/__pycache__/a.x.pyc' }],
      ],
      ['/usr/a.py'],
    );
    const path = '/usr/__pycache__/a.x.pyc';
    const link = '/usr/__pycache__/a.x.opt-1.pyc';
    expect([...entries]).toEqual([
      ['/usr/a.py', { ...facts, path: '/usr/a.py', sizeBytes: 6, mode: 0o755 }],
      [path, { ...facts, path, sizeBytes: pyc.length, sha256: sha256Of(pyc), header }],
      [link, { ...facts, path: link, linkTo: path }],
    ]);
  });

  it.each(['usr/a.py', './usr/a.py', '/usr/a.py', 'usr//a.py', './usr/./a.py'])(
    'knows the file under the name %s',
    async (name) => {
      expect([...(await read([[{ name }, 'x']])).keys()]).toEqual(['/usr/a.py']);
    },
  );

  it('reads names of any length and any letters', async () => {
    const name = `${'usr/'.repeat(60)}${'é'.repeat(60)}/a b.pyc`;
    const entries = await read([[{ name }, pyc], [{ name: 'b.pyc', type: 'link', linkname: name }]]);
    expect([...entries.values()].map(({ path, linkTo }) => linkTo ?? path)).toEqual([`/${name}`, `/${name}`]);
  });

  it('takes numbers for owners that have no names', async () => {
    const entries = await read([[{ name: 'a.py', uid: 5, gid: 6, uname: '', gname: '' }]]);
    expect(entries.get('/a.py' as PayloadPath)?.owner).toBe('5:6');
  });

  it('computes the hashes of sources that are wanted, and of no others', async () => {
    const members: Member[] = ['a.py', 'b.py'].map((name) => [{ name }, 'x = 1\n']);
    const entries = await read(members, ['/a.py'], [3439, 3495]);
    const hashes = [3439, 3495].map((number) => [number, sourceHash(number, Buffer.from('x = 1\n'))] as const);
    expect(entries.get('/a.py' as PayloadPath)?.sourceHashes).toEqual(new Map(hashes));
    expect(entries.get('/b.py' as PayloadPath)?.sourceHashes).toBeUndefined();
  });

  it('says why a file is no pyc', async () => {
    const entries = await read([
      [{ name: 'a.pyc' }, 'text'],
      [{ name: 'b.pyo' }, ''],
    ]);
    expect(Array.from(entries.values(), (entry) => entry.header)).toEqual([
      { unreadable: 'does not start with a magic number' },
      { unreadable: expect.any(String) },
    ]);
  });

  it('has no entry for what is no file, but for a symlink', async () => {
    const entries = await read([
      [{ name: 'usr', type: 'directory' }],
      [{ name: 'a.pyc', type: 'symlink', linkname: 'b.pyc' }],
      [{ name: 'c.pyc', type: 'fifo' }],
    ]);
    expect([...entries]).toEqual([['/a.pyc', expect.objectContaining({ isSymlink: true })]]);
  });

  it('reads a pyc of many chunks', async () => {
    const large = Buffer.concat([pyc, Buffer.alloc(1_000_003, 'x')]);
    const whole = await tar([[{ name: 'a.pyc' }, large]]);
    const pieces = Array.from({ length: Math.ceil(whole.length / 777) }, (_, i) =>
      whole.subarray(777 * i, 777 * (i + 1)),
    );
    const wanted: Wanted = { pycs: new Set(), sources: new Set(), hashMagicNumbers: [] };
    const entries = await readTar(Readable.from(pieces), wanted, new Budget('archive'));
    expect(entries.get('/a.pyc' as PayloadPath)).toMatchObject({
      sizeBytes: large.length,
      sha256: sha256Of(large),
      header,
    });
  });

  it.each([
    ['that is no tar', Buffer.alloc(2000, 'x')],
    [
      'that ends within a file',
      tar([[{ name: 'a.pyc' }, Buffer.alloc(5000)]]).then((bytes) => bytes.subarray(0, 2000)),
    ],
  ])('throws for a stream %s', async (_, bytes) => {
    const wanted: Wanted = { pycs: new Set(), sources: new Set(), hashMagicNumbers: [] };
    await expect(readTar(Readable.from([await bytes]), wanted, new Budget('archive'))).rejects.toThrow();
  });

  it('throws the error of the stream', async () => {
    const broken = new Readable({ read: (): void => void broken.destroy(new Error('the disk is gone')) });
    const wanted: Wanted = { pycs: new Set(), sources: new Set(), hashMagicNumbers: [] };
    await expect(readTar(broken, wanted, new Budget('archive'))).rejects.toThrow('the disk is gone');
  });
});
