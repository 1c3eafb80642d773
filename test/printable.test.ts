import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathText, pathTextOfPython, printable } from '../src/printable.ts';

describe('printable', () => {
  it.each([
    ['plain, é 😀 "quoted" \\', 'plain, é 😀 "quoted" \\'],
    ['two\nlines', 'two\\nlines'],
    ['\t\r\b\f', '\\t\\r\\b\\f'],
    ['\x1b[31m', '\\u001b[31m'],
    ['\x7f\x85\x9b', '\\x7f\\x85\\x9b'],
    ['\0', '\\u0000'],
    ['a\u202egnp.\u2066\u200f', 'a\\u202egnp.\\u2066\\u200f'],
    ['\uffff\ufdd0\u{1ffff}\u2028', '\\uffff\\ufdd0\\u{1ffff}\\u2028'],
    ['\ud800 alone', '\\ud800 alone'],
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

describe('pathText', () => {
  it.each([
    ['/usr/lib/a.py', '/usr/lib/a.py'],
    ['/é/café.py', '/é/café.py'],
  ])('of %j is itself', (path, text) => {
    expect(pathText(Buffer.from(path))).toBe(text);
  });

  it('escapes the bytes of a name that is not UTF-8, and of no other', () => {
    const path = Buffer.concat([Buffer.from('/é/'), Buffer.from('caf\xe9\x80\\ \xc3\xa9.py', 'latin1')]);
    expect(pathText(path)).toBe('/é/caf\\xe9\\x80\\ \\xc3\\xa9.py');
  });
});

describe('pathTextOfPython', () => {
  it.each([
    ['/a/b.py', '/a/b.py'],
    ['/\u00e9/\u{1f600}.py', '/\u00e9/\u{1f600}.py'],
    ['/\u00e9/\u00e9\udcff/b.py', '/\u00e9/\\xc3\\xa9\\xff/b.py'],
  ])('shows %j as the file system has it', (path, text) => {
    expect(pathTextOfPython(path)).toBe(text);
  });
});
