import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import type { PayloadEntry } from '../../src/payload/entry.ts';
import { mismatchOf, sourceOf } from '../../src/payload/source.ts';
import type { PycHeader } from '../../src/pyc/header.ts';
import { describedPayload, entryAt } from '../helpers/payload.ts';

const header: PycHeader = {
  magicNumber: 3571,
  invalidationMode: 'timestamp',
  sourceMtimeSeconds: 1_700_000_001,
  sourceSizeBytes: 5,
};
const source = (more: Partial<PayloadEntry>) =>
  entryAt('/till.py', { sizeBytes: 5, mtimeSeconds: 1_700_000_001, ...more });

describe('mismatchOf', () => {
  it.each<[string, Partial<PayloadEntry>, boolean | undefined]>([
    ['its own mtime and size', {}, undefined],
    ['another size', { sizeBytes: 6 }, false],
    ['another size and mtime', { sizeBytes: 6, mtimeSeconds: 5 }, false],
    ['an mtime a second away', { mtimeSeconds: 1_700_000_000 }, true],
    ['an mtime a second away, in a zip that is unpacked', { mtimeSeconds: 1_700_000_000, mtimeIs: 'rounded' }, true],
    ['its own mtime, in a zip with another DOS time', { dosTimeSeconds: 5, mtimeIs: 'rounded' }, undefined],
    ['its own mtime, in a wheel', { mtimeIs: 'of-installation' }, true],
  ])('of a source with %s', (_, more, isOfMtime) => {
    expect(mismatchOf(header, source(more), undefined)?.isOfMtime).toBe(isOfMtime);
  });

  it.each<[string, Partial<PayloadEntry>, boolean | undefined]>([
    ['a second away', { dosTimeSeconds: 1_700_000_000, mtimeSeconds: 5 }, undefined],
    ['two seconds away', { dosTimeSeconds: 1_699_999_999 }, true],
  ])('of a source in a zip, next to its pyc, with a DOS time %s', (_, more, isOfMtime) => {
    expect(mismatchOf(header, source({ ...more, mtimeIs: 'rounded' }), undefined, true)?.isOfMtime).toBe(isOfMtime);
  });

  it('compares hashes whatever the mtimes are', () => {
    const hashed: PycHeader = { magicNumber: 3571, invalidationMode: 'unchecked-hash', sourceHash: 'ab' };
    const mismatch = (hash: string) =>
      mismatchOf(hashed, source({ mtimeIs: 'of-installation' }), { sha256: '', hashes: new Map([[3571, hash]]) });
    expect(mismatch('ab')).toBeUndefined();
    expect(mismatch('cd')?.isOfMtime).toBe(false);
  });
});

describe('sourceOf', () => {
  const pyc = entryAt('/usr/lib/__pycache__/a.x.pyc', { container: 'b.rpm' });
  const found = (...entries: readonly ReturnType<typeof entryAt>[]) =>
    sourceOf(describedPayload(entries).payload, pyc, '/lib/a.py' as PayloadPath)?.file;

  it('is that of the same package, if several have one', () => {
    const sources = ['a.rpm', 'b.rpm', 'c.rpm'].map((container) =>
      entryAt('/lib/a.py', { container, file: container }),
    );
    expect(found(...sources)).toBe('b.rpm');
    expect(found(...sources.slice(2))).toBe('c.rpm');
  });

  it.each([
    ['the source itself', [entryAt('/lib/a.py', { type: 'symlink', target: '../real.py' }), entryAt('/real.py')]],
    ['its directory', [entryAt('/lib', { type: 'symlink', target: 'usr/lib' }), entryAt('/usr/lib/a.py')]],
    ['a directory above, absolute', [entryAt('/lib', { type: 'symlink', target: '/d/e' }), entryAt('/d/e/a.py')]],
  ])('is found through a symlink: %s', (_, entries) => {
    expect(found(...entries)).toBe(entries[1]?.file);
  });

  it.each([
    ['missing', []],
    ['a directory', [entryAt('/lib/a.py', { type: 'directory' })]],
    ['a ghost', [entryAt('/lib/a.py', { isGhost: true })]],
    ['a symlink to nothing', [entryAt('/lib/a.py', { type: 'symlink', target: 'gone.py' })]],
    ['a symlink to itself', [entryAt('/lib/a.py', { type: 'symlink', target: 'a.py' })]],
    ['in a directory that is a symlink to itself', [entryAt('/lib', { type: 'symlink', target: 'lib' })]],
  ])('is undefined if it is %s', (_, entries) => {
    expect(found(...entries)).toBeUndefined();
  });
});
