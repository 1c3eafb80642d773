import { describe, expect, it } from 'vitest';
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
