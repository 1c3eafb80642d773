import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import { payloadOf, type Wanted } from '../../src/payload/entry.ts';
import { readTree } from '../../src/payload/tree.ts';
import { sourceHash } from '../../src/pyc/source-hash.ts';
import { sha256Of } from '../../src/sha256.ts';
import { type Planted, plantBuildroot } from '../helpers/buildroot.ts';
import { pycOf, wholeCode } from '../helpers/marshal.ts';

const pyc = pycOf(wholeCode);
[0x0a0d0000 + 3495, 0, 5, 6].forEach((word, i) => {
  pyc.writeUInt32LE(word, 4 * i);
});

function wanted(pycs: readonly string[], sources: readonly string[], hashMagicNumbers: readonly number[] = []): Wanted {
  return {
    pycs: new Set(pycs as PayloadPath[]),
    sources: new Set(sources as PayloadPath[]),
    hashMagicNumbers,
  };
}

function read(files: Readonly<Record<string, Planted>>, wants: Wanted) {
  const tree = openTree(plantBuildroot(files));
  const payload = payloadOf(readTree(tree, wants).entries);
  return { tree: tree.path, payload, stat: (name: string) => lstatSync(join(tree.path, name)) };
}

describe('readTree', () => {
  it('reads everything needed to check a pyc and its source', () => {
    const { tree, payload, stat } = read(
      {
        'a.py': { content: 'x = 1\n', mode: 0o755, mtime: 5.75 },
        '__pycache__/a.x.pyc': { content: pyc, mode: 0o640, mtime: 7.5 },
      },
      wanted(['/__pycache__/a.x.pyc'], ['/a.py']),
    );
    const [source, bytecode] = [stat('a.py'), stat('__pycache__/a.x.pyc')];
    expect(payload).toEqual(
      new Map([
        [
          '/__pycache__/a.x.pyc',
          [
            {
              path: '/__pycache__/a.x.pyc',
              container: tree,
              inode: `${bytecode.dev}:${bytecode.ino}`,
              isGhost: false,
              sizeBytes: pyc.length,
              mode: 0o640,
              owner: `${bytecode.uid}:${bytecode.gid}`,
              mtimeSeconds: 7,
              sha256: sha256Of(pyc),
              header: {
                magicNumber: 3495,
                invalidationMode: 'timestamp',
                sourceMtimeSeconds: 5,
                sourceSizeBytes: 6,
              },
            },
          ],
        ],
        [
          '/a.py',
          [
            {
              path: '/a.py',
              container: tree,
              inode: `${source.dev}:${source.ino}`,
              isGhost: false,
              sizeBytes: 6,
              mode: 0o755,
              owner: `${source.uid}:${source.gid}`,
              mtimeSeconds: 5,
            },
          ],
        ],
      ]),
    );
  });

  it('gives the names of one file one inode', () => {
    const { payload } = read(
      { 'a.pyc': pyc, 'b.pyc': { hardLink: 'a.pyc' }, 'c.pyc': pyc },
      wanted(['/a.pyc', '/b.pyc', '/c.pyc'], []),
    );
    const [a, b, c] = [...payload.values()].map(([entry]) => entry?.inode);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });

  it('computes source hashes for the interpreters that need them', () => {
    const { payload } = read({ 'a.py': 'x = 1\n' }, wanted([], ['/a.py'], [3439, 3495]));
    const hash = (magicNumber: number) => sourceHash(magicNumber, Buffer.from('x = 1\n'));
    expect(payload.get('/a.py' as PayloadPath)?.[0]?.sourceHashes).toEqual(
      new Map([
        [3439, hash(3439)],
        [3495, hash(3495)],
      ]),
    );
  });

  it('says why a file is no pyc', () => {
    const { payload } = read({ 'a.pyc': 'text' }, wanted(['/a.pyc'], []));
    expect(payload.get('/a.pyc' as PayloadPath)?.[0]?.header).toEqual({
      unreadable: 'does not start with a magic number',
    });
  });

  it('looks for what is wanted and for nothing else', () => {
    expect(read({ 'a.py': '', 'a.pyc': pyc }, wanted([], [])).payload).toEqual(new Map());
  });

  it('takes a symlinked source for its text, and a pyc for the symlink that it is', () => {
    const files: Record<string, Planted> = {
      'real/text': { content: 'x = 1\n', mtime: 5 },
      'real/b.pyc': pyc,
      'a.py': { symlink: '/real/text' },
      'b.pyc': { symlink: 'real/b.pyc' },
      lib: { symlink: '/real' },
    };
    const { payload } = read(files, wanted(['/b.pyc', '/lib/b.pyc'], ['/a.py']));
    expect([...payload.keys()]).toEqual(['/b.pyc', '/lib/b.pyc', '/a.py']);
    expect(payload.get('/b.pyc' as PayloadPath)).toMatchObject([{ isSymlink: true }]);
    expect(payload.get('/lib/b.pyc' as PayloadPath)).not.toMatchObject([{ isSymlink: true }]);
    expect(payload.get('/a.py' as PayloadPath)).toEqual([
      expect.objectContaining({ path: '/a.py', sizeBytes: 6, mtimeSeconds: 5 }),
    ]);
  });

  it('has no entry for what is missing, is no file, or leads out of the tree', () => {
    const files: Record<string, Planted> = {
      'directory.pyc': { directory: true },
      'directory.py': { directory: true },
      'dangling.py': { symlink: 'nothing' },
      'host.py': { symlink: '/proc/version' },
      'above.py': { symlink: '../../../../../../proc/version' },
      away: { symlink: '/proc' },
    };
    const pycs = ['/missing.pyc', '/directory.pyc', '/away/version', '/missing/a.pyc'];
    const sources = ['/missing.py', '/directory.py', '/dangling.py', '/host.py', '/above.py', '/away/version'];
    expect(read(files, wanted(pycs, sources)).payload).toEqual(new Map());
  });
});
