import { describe, expect, it } from 'vitest';
import { counted, sizeText } from '../src/text.ts';

describe('counted', () => {
  it.each([
    [0, '0 links'],
    [1, '1 link'],
    [2, '2 links'],
  ])('%i is %s', (count, text) => {
    expect(counted(count, 'link')).toBe(text);
  });
});

describe('sizeText', () => {
  it.each([
    [0, '0.0 KiB'],
    [1, '0.0 KiB'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1024 * 1023, '1023.0 KiB'],
    [1024 * 1024, '1.0 MiB'],
    [125 * 1024 * 1024, '125.0 MiB'],
    [5000 * 1024 * 1024, '5000.0 MiB'],
  ])('of %i bytes is %s', (sizeBytes, text) => {
    expect(sizeText(sizeBytes)).toBe(text);
  });
});
