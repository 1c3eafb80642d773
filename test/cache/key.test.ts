import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digestOfFields } from '../../src/cache/key.ts';

it('the digest of fields is of the bytes, each field with its length before it', () => {
  // printf '\1\0\0\0a\2\0\0\0bc' | sha256sum
  expect(digestOfFields(['a', Buffer.from('bc')])).toBe(
    '47ea6f805c5b663e33012cd34184e1398ad81a0dcea50071346f05d26692e843',
  );
});

it('other fields have another digest, however they are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.string()), (a, b) => {
      expect(digestOfFields(a) === digestOfFields(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
  expect(digestOfFields(['ab', 'c'])).not.toBe(digestOfFields(['a', 'bc']));
  expect(digestOfFields(['a', ''])).not.toBe(digestOfFields(['a']));
});
