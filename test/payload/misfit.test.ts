import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import type { PayloadEntry } from '../../src/payload/entry.ts';
import { misfitOf } from '../../src/payload/misfit.ts';
import type { PycHeader } from '../../src/pyc/header.ts';

const header: PycHeader = {
  magicNumber: 3571,
  invalidationMode: 'timestamp',
  sourceMtimeSeconds: 1_700_000_001,
  sourceSizeBytes: 5,
};
const source = (more: Partial<PayloadEntry>): PayloadEntry => ({
  path: '/till.py' as PayloadPath,
  container: 'x',
  inode: '1',
  isGhost: false,
  sizeBytes: 5,
  mode: 0o644,
  owner: '',
  mtimeSeconds: 1_700_000_001,
  ...more,
});

describe('misfitOf', () => {
  it.each<[string, Partial<PayloadEntry>, boolean | undefined]>([
    ['its own mtime and size', {}, undefined],
    ['another size', { sizeBytes: 6 }, false],
    ['another size and mtime', { sizeBytes: 6, mtimeSeconds: 5 }, false],
    ['an mtime a second away', { mtimeSeconds: 1_700_000_000 }, true],
    ['an mtime a second away, in a zip', { mtimeSeconds: 1_700_000_000, mtimeIs: 'rounded' }, undefined],
    ['an mtime two seconds away, in a zip', { mtimeSeconds: 1_699_999_999, mtimeIs: 'rounded' }, true],
    ['its own mtime, in a wheel', { mtimeIs: 'of-installation' }, true],
  ])('of a source with %s', (_, more, isOfMtime) => {
    expect(misfitOf(header, source(more))?.isOfMtime).toBe(isOfMtime);
  });

  it('compares hashes whatever the mtimes are', () => {
    const hashed: PycHeader = { magicNumber: 3571, invalidationMode: 'unchecked-hash', sourceHash: 'ab' };
    const hashes = (hash: string) => source({ mtimeIs: 'of-installation', sourceHashes: new Map([[3571, hash]]) });
    expect(misfitOf(hashed, hashes('ab'))).toBeUndefined();
    expect(misfitOf(hashed, hashes('cd'))?.isOfMtime).toBe(false);
  });
});
