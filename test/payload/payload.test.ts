import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import { placeOf } from '../../src/payload/payload.ts';
import { describedPayload, entryAt } from '../helpers/payload.ts';

/** A directory with pycs, and symlinks to it that are called `__pycache__`. */
function payloadWith(symlinks: number, pycs: number) {
  return describedPayload([
    ...Array.from({ length: pycs }, (_, i) => entryAt(`/c/${i}.pyc`)),
    ...Array.from({ length: symlinks }, (_, i) => entryAt(`/d${i}/__pycache__`, { type: 'symlink', target: '../c' })),
  ]).payload;
}

describe('the files of a payload', () => {
  it('include those in a __pycache__ that is a symlink', () => {
    expect(payloadWith(10, 100).files.length).toBe(1100);
  });

  it('are refused if many symlinks lead to one large directory', () => {
    expect(() => payloadWith(1000, 1000).files).toThrow('has more than 100000 files behind symlinks');
  });
});

it('follows symlinks on the way to a path, and those that were added since', () => {
  const targets = new Map([['/lib', 'usr/lib']]);
  const at = (path: string) => {
    const target = targets.get(path);
    return target === undefined ? undefined : entryAt(path, { type: 'symlink', target });
  };
  const of = (path: string) => placeOf(path as PayloadPath, at);
  const paths = ['/', '/a', '/lib', '/lib/a', '/lib/b', '/x/a'];
  expect(paths.map(of)).toEqual(['/', '/a', '/lib', '/usr/lib/a', '/usr/lib/b', '/x/a']);
  targets.set('/x', '/lib').set('/y', 'y').set('/z', '/');
  expect(['/x/a', '/y/a', '/z/a', '/z/x/a'].map(of)).toEqual(['/usr/lib/a', undefined, '/a', '/usr/lib/a']);
});
