import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstDifference, headerDifference } from '../../src/inspect/first-difference.ts';
import { type MarshalNode, readPycTree } from '../../src/inspect/tree.ts';
import { marshalType } from '../../src/marshal/types.ts';
import { type PycHeader, parsePycHeader } from '../../src/pyc/header.ts';
import { anyMarshalled, marshalled as m, magicNumber, pycOf } from '../helpers/marshal.ts';

const read = (value: Buffer) => readPycTree(pycOf(value), magicNumber) as MarshalNode;
const code = (...constants: Buffer[]) => m.code(1, m.tuple(constants));
const { flagged } = m;

describe('firstDifference', () => {
  it.each<[string, Buffer, Buffer, readonly [place: string, what: string, first: string, second: string]]>([
    ['a value', code(m.none, m.text('x')), code(m.none, m.text('y')), ['f: constant 1', 'value', 'str "x"', 'str "y"']],
    [
      'the sign of a zero',
      code(m.float(0)),
      code(m.float(-0)),
      ['f: constant 0', 'value', 'float 0 (0000000000000000)', 'float 0 (0000000000000080)'],
    ],
    ['a type', code(m.int(1)), code(m.none), ['f: constant 0', 'type', 'int 1', 'None']],
    ['a size', code(m.int(1)), code(), ['f: constants', 'size', '1', '0']],
    // Python stores the size of a tuple below 256 in one byte, with another type.
    [
      'the size of a small tuple',
      code(m.int(1)),
      m.code(1, Buffer.from([marshalType.smallTuple, 0])),
      ['f: constants', 'size', '1', '0'],
    ],
    ['interning', code(m.text('x')), code(m.interned('x')), ['f: constant 0', 'interning', 'str', 'interned str']],
    ['a flag', code(flagged(m.int(1))), code(m.int(1)), ['f: constant 0', 'flag', 'set', 'not set']],
    [
      'sharing',
      code(flagged(m.int(1)), m.reference(0)),
      code(flagged(m.int(1)), m.int(1)),
      ['f: constant 1', 'sharing', 'the same object as number 0', 'an object of its own'],
    ],
    [
      'what is in the place of a reference',
      code(flagged(m.int(1)), m.reference(0)),
      code(flagged(m.int(1)), m.int(2)),
      ['f: constant 1', 'value', 'int 1', 'int 2'],
    ],
    [
      'where a reference leads',
      code(flagged(m.int(1)), flagged(m.int(2)), m.reference(0)),
      code(flagged(m.int(1)), flagged(m.int(2)), m.reference(1)),
      ['f: constant 2', 'reference', '0: int 1', '1: int 2'],
    ],
    ['a first line', m.code(1, m.tuple([])), m.code(2, m.tuple([])), ['f', 'first line', '1', '2']],
    ['a number of a code object', code(), code().fill(3, 13, 14), ['f', 'stacksize', '0', '3']],
    [
      'an inner code object',
      code(code(m.tuple([m.int(1)]))),
      code(code(m.tuple([m.int(2)]))),
      ['f.f: constant 0, element 0', 'value', 'int 1', 'int 2'],
    ],
  ])('says where %s differs', (_, one, other, [place, what, first, second]) => {
    expect(firstDifference(read(one), read(other))).toEqual({ place, what, first, second });
  });

  it('finds one if and only if the bytes differ', () => {
    fc.assert(
      fc.property(anyMarshalled, anyMarshalled, (one, other) => {
        expect(firstDifference(read(one), read(other)) === undefined).toBe(one.equals(other));
        expect(firstDifference(read(one), read(one))).toBeUndefined();
      }),
    );
  });
});

describe('headerDifference', () => {
  const header = parsePycHeader(pycOf(m.none)) as PycHeader & { invalidationMode: 'timestamp' };

  it.each<[PycHeader, string, string, string]>([
    [{ ...header, magicNumber: 3571 }, 'magic number', '3495', '3571'],
    [{ ...header, sourceMtimeSeconds: 5 }, 'mtime of the source', '0', '5'],
    [{ ...header, sourceSizeBytes: 5 }, 'size of the source', '0', '5'],
    [
      { magicNumber, invalidationMode: 'checked-hash', sourceHash: '00' },
      'invalidation mode',
      'timestamp',
      'checked-hash',
    ],
  ])('names the field: %o', (other, what, first, second) => {
    expect(headerDifference(header, other)).toEqual({ place: 'header', what, first, second });
  });

  it('finds nothing in equal headers', () => {
    expect(headerDifference(header, { ...header })).toBeUndefined();
  });
});
