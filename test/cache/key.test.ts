import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digestOfFields } from '../../src/cache/key.ts';

it('digests fields with their lengths', () => {
  // printf 1:a2:bc | sha256sum
  expect(digestOfFields(['a', 'bc'])).toBe('5310a58788781ab25d5ad7c3f85035824b4eb7bdfa394e0ac2186271472b5492');
});

it('gives different fields different digests, wherever they are split', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.string()), (a, b) => {
      expect(digestOfFields(a) === digestOfFields(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
  expect(digestOfFields(['ab', 'c'])).not.toBe(digestOfFields(['a', 'bc']));
  expect(digestOfFields(['a', ''])).not.toBe(digestOfFields(['a']));
});
