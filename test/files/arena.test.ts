import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Arena } from '../../src/files/arena.ts';

it('returns memory that is not reused before it is cleared', () => {
  const arena = new Arena();
  fc.assert(
    fc.property(fc.array(fc.nat(40_000), { maxLength: 20 }), (sizes) => {
      arena.clear();
      const taken = sizes.map((size, i) => arena.take(size).fill(i + 1));
      expect(taken.map(({ length }) => length)).toEqual(sizes);
      for (const [i, bytes] of taken.entries()) expect(bytes.every((byte) => byte === i + 1)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

it('reuses its memory', () => {
  const arena = new Arena();
  const first = arena.take(100).fill(1);
  arena.clear();
  arena.take(100).fill(2);
  expect(first[0]).toBe(2);
});
