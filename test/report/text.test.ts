import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counted, printable, sizeText } from '../../src/report/text.ts';

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

describe('printable', () => {
  it.each([
    ['plain, é 😀 "quoted" \\', 'plain, é 😀 "quoted" \\'],
    ['two\nlines', 'two\\nlines'],
    ['\t\r\b\f', '\\t\\r\\b\\f'],
    ['\x1b[31m', '\\u001b[31m'],
    ['\x7f\x85\x9b', '\\x7f\\x85\\x9b'],
    ['\0', '\\u0000'],
  ])('of %j is %j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('leaves no control character, and changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '\n', '\x1b', '\x9b', '\\', '"', '😀') }), (text) => {
        expect(printable(text)).not.toMatch(/\p{Cc}/u);
        expect(printable(printable(text))).toBe(printable(text));
      }),
    );
  });
});
