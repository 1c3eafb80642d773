import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeDifference } from '../../src/inspect/code-difference.ts';
import { normalizePyc } from '../../src/marshal/normalize-pyc.ts';
import { anyMarshalled, marshalled as m, magicNumber, pycOf } from '../helpers/marshal.ts';

const code = (...constants: Buffer[]) => pycOf(m.code(1, m.tuple(constants)));
const { flagged } = m;

/** Of the module's code object, in the order of the fields: `code` is the first of its objects. */
const withInstructions = (pyc: Buffer, text: string) => {
  const at = 16 + 1 + 20;
  return Buffer.concat([pyc.subarray(0, at), m.bytes(text), pyc.subarray(at + 5)]);
};

describe('codeDifference', () => {
  it('ignores flags and shared objects, and finds the value that differs', () => {
    const one = code(flagged(m.text('a b')), m.reference(0), m.int(1));
    const other = code(m.text('a b'), m.text('a b'), m.int(2));
    expect(codeDifference(one, other)).toEqual({
      place: 'f: constant 2',
      what: 'value',
      first: 'int 1',
      second: 'int 2',
      isOfInstructions: false,
    });
  });

  it('finds a value through a reference', () => {
    const one = code(flagged(m.tuple([m.int(1)])), m.reference(0));
    const other = code(m.tuple([m.int(1)]), m.tuple([m.int(2)]));
    expect(codeDifference(one, other)).toMatchObject({ place: 'f: constant 1, element 0', second: 'int 2' });
  });

  it('prefers a constant to instructions, and names instructions if nothing else differs', () => {
    const [one, other] = [withInstructions(code(m.int(1)), 'ab'), withInstructions(code(m.int(2)), 'cd')];
    expect(codeDifference(one, other)).toMatchObject({ place: 'f: constant 0', isOfInstructions: false });
    const same = withInstructions(code(m.int(1)), 'cd');
    expect(codeDifference(one, same)).toMatchObject({ place: 'f: instructions', isOfInstructions: true });
  });

  it('ignores lines that moved', () => {
    const [one, other] = [1, 2].map((n) => pycOf(m.code(1, m.tuple([m.code(n, m.tuple([])), m.int(n)])))) as [
      Buffer,
      Buffer,
    ];
    expect(codeDifference(one, other)).toMatchObject({ place: 'f: constant 1', first: 'int 1', second: 'int 2' });
    const moved = pycOf(m.code(1, m.tuple([m.code(2, m.tuple([])), m.int(1)])));
    expect(codeDifference(one, moved)).toMatchObject({ place: 'f.f', what: 'first line' });
  });

  it('says which constants are shared if all values are equal', () => {
    const list = m.tuple([m.float(1)]);
    const [one, other] = [code(flagged(list), m.reference(0)), code(list, list)];
    expect(codeDifference(one, other)).toMatchObject({ what: 'flag', isOfInstructions: false });
  });

  it('compares only readable pycs of one interpreter', () => {
    expect(codeDifference(code(m.int(1)), code(m.int(2)).subarray(0, 40))).toBeUndefined();
    expect(codeDifference(code(m.int(1)), pycOf(m.code(1, m.tuple([m.int(2)])), magicNumber - 1))).toBeUndefined();
  });

  it('finds one if and only if the normal forms differ', () => {
    fc.assert(
      fc.property(anyMarshalled, anyMarshalled, (one, other) => {
        const [a, b] = [pycOf(one), pycOf(other)];
        const isSame = (normalizePyc(a) as Buffer).equals(normalizePyc(b) as Buffer);
        expect(codeDifference(a, b) === undefined).toBe(isSame);
        expect(codeDifference(a, a)).toBeUndefined();
      }),
    );
  });
});
