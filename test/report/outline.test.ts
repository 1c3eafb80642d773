import { describe, expect, it } from 'vitest';
import { comparisonText, outlineText } from '../../src/report/outline.ts';

const object = { offset: 0, depth: 0, place: '<module>', kind: 'code', value: 'line 1' };

describe('outlineText', () => {
  it('has a line for each object, indented by its depth', () => {
    expect(
      outlineText([
        { ...object, flag: 0 },
        { ...object, depth: 1, place: 'constants', kind: 'tuple', value: '2' },
        { ...object, depth: 2, place: 'constant 0', kind: 'str', value: '"\u0085"', refersTo: 0 },
      ]),
    ).toBe(
      'objects       3, 1 flag, 1 reference\n' +
        '<module>: code line 1 [flag 0]\n' +
        '  constants: tuple of 2\n' +
        '    constant 0: str "\\x85" [refers to 0]\n',
    );
  });

  it('keeps lines for long values and deep objects short', () => {
    const text = outlineText([{ ...object, depth: 1999, kind: 'bytes', value: 'ab'.repeat(5000) }]);
    expect(text).toContain('… (10000 characters)\n');
    expect(text.length).toBeLessThan(250);
  });
});

describe('comparisonText', () => {
  const pycs = { first: '/a.pyc', second: '/b.pyc', headerDifference: undefined };

  it('shows where pycs differ and whether that is all', () => {
    const difference = { place: '<module>: constant 3', what: 'flag', first: 'set', second: 'not set' };
    expect(comparisonText({ ...pycs, difference, isSameInNormalForm: true })).toBe(
      'first difference: <module>: constant 3: flag\n' +
        '  set  in /a.pyc\n' +
        '  not set  in /b.pyc\n' +
        'in normal form: the same\n',
    );
  });

  it('shows the part where long values differ', () => {
    const [first, second] = ['1', '2'].map((digit) => `${'0'.repeat(500)}${digit}${'0'.repeat(500)}`) as [
      string,
      string,
    ];
    const difference = { place: 'f', what: 'value', first, second };
    const lines = comparisonText({ ...pycs, difference, isSameInNormalForm: undefined }).split('\n');
    expect(lines[1]).toMatch(/^ {2}…0{36}10{35}… {2}in \/a.pyc$/);
    expect(lines[2]).toMatch(/^ {2}…0{36}20{35}… {2}in \/b.pyc$/);
    expect(lines[3]).toBe('in normal form: not available for both');
  });

  it('says how the headers differ too', () => {
    const difference = { place: 'f', what: 'value', first: '1', second: '2' };
    const headerDifference = { place: 'header', what: 'mtime of the source', first: '3', second: '4' };
    const text = comparisonText({ ...pycs, difference, headerDifference, isSameInNormalForm: false });
    expect(text.match(/^first difference: .*$|^in .*$/gm)).toEqual([
      'first difference: f: value',
      'first difference: header: mtime of the source',
      'in normal form: different code',
    ]);
    const ofHeader = { ...pycs, difference: headerDifference, headerDifference, isSameInNormalForm: true };
    expect(comparisonText(ofHeader).match(/^first difference/gm)).toHaveLength(1);
  });

  it('says that there is no difference', () => {
    expect(comparisonText({ ...pycs, difference: undefined, isSameInNormalForm: true })).toBe(
      'the pycs are byte-for-byte identical\n',
    );
  });
});
