import { describe, expect, it } from 'vitest';
import { isNameText } from '../../src/marshal/types.ts';
import { walkMarshal } from '../../src/marshal/walk.ts';
import { type CodeLayout, codeLayoutOf } from '../../src/pyc/releases.ts';
import { marshalled as m, magicNumber } from '../helpers/marshal.ts';

const layout = codeLayoutOf(magicNumber) as CodeLayout;

/** The depth of each object that is visited, in the order of the bytes. */
function walk(bytes: Buffer) {
  const seen: (readonly [offset: number, sizeBytes: number, depth: number])[] = [];
  const end = walkMarshal(bytes, 0, layout, (...object) => seen.push(object));
  return typeof end === 'string' ? { seen, reason: end } : { seen, end, reason: undefined };
}

const nested = (depth: number) =>
  Buffer.concat([...Array.from({ length: depth }, () => Buffer.from(')\x01', 'latin1')), m.none]);

describe('codeLayoutOf', () => {
  it.each([
    [3379, 'lnotab', 5],
    [3394, 'lnotab', 5],
    [3413, 'lnotab', 6],
    [3425, 'lnotab', 6],
    [3439, 'linetable', 6],
    [3495, 'linetable exceptiontable', 5],
    [3627, 'linetable exceptiontable', 5],
    [3666, 'linetable exceptiontable', 5],
  ])('of magic number %i ends with %s and starts with %i numbers', (magic, tail, numbers) => {
    expect(codeLayoutOf(magic)?.tail.join(' ')).toBe(tail);
    expect(codeLayoutOf(magic)?.numbers.length).toBe(numbers);
  });

  it.each([3378, 3496, 0, 336])('of magic number %i is unknown', (magic) => {
    expect(codeLayoutOf(magic)).toBeUndefined();
  });
});

describe('walkMarshal', () => {
  it('visits parents before children, with their sizes', () => {
    expect(walk(m.tuple([m.text('ab'), m.dict([m.none, m.int(1)]), m.tuple([])]))).toEqual({
      end: 22,
      reason: undefined,
      seen: [
        [0, 5, 0],
        [5, 4, 1],
        [9, 1, 1],
        [10, 1, 2],
        [11, 5, 2],
        [16, 1, 2],
        [17, 5, 1],
      ],
    });
  });

  it.each<[string, Buffer, number]>([
    ['a long of three digits', Buffer.from('l\xfd\xff\xff\xff123456', 'latin1'), 11],
    ['a float as text', Buffer.from('f\x031.5'), 5],
    ['a complex as text', Buffer.from('x\x031.5\x012'), 7],
    ['a float', Buffer.from('g12345678'), 9],
    ['a complex', Buffer.from('y1234567812345678'), 17],
    ['an old long integer', Buffer.from('I12345678'), 9],
    ['text', Buffer.from('u\x02\0\0\0\xc3\xa9', 'latin1'), 7],
    ['a slice', Buffer.from(':NNN'), 1],
  ])('knows the size of %s', (_, bytes, size) => {
    const { seen, reason } = walk(bytes);
    expect([reason, seen[0]]).toEqual([undefined, [0, size, 0]]);
  });

  it('finds the line number of a code object before its tail', () => {
    const code = m.code(7, m.tuple([m.none]));
    const { seen, reason } = walk(code);
    expect(reason).toBeUndefined();
    const [tail] = seen.slice(-2);
    expect(code.readInt32LE((tail?.[0] ?? 0) - 4)).toBe(7);
  });

  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'truncated'],
    ['an unknown type', Buffer.from('?'), 'an object of unknown type 0x3f'],
    ['a null outside a dict', m.tuple([m.null]), 'a null outside a dict'],
    ['a null alone', m.null, 'a null outside a dict'],
    ['a negative size', m.tuple([]).fill(0xff, 1), 'a negative size'],
    ['a size beyond the end', m.bytes('').fill(0x7f, 1), 'truncated'],
  ])('reports what is wrong with %s', (_, bytes, reason) => {
    expect(walk(bytes).reason).toContain(reason);
  });

  it.each<[string, Buffer, number]>([
    ['bytes behind the value', Buffer.from('NN'), 1],
    ['a flagged None', m.flagged(m.none), 1],
    ['a flagged reference', m.tuple([m.flagged(m.int(1)), m.flagged(m.reference(0))]), 15],
    ['a flagged null', m.dict([]).fill(0xb0, 1), 2],
  ])('reads %s, as marshal does', (_, bytes, end) => {
    expect(walk(bytes)).toMatchObject({ end, reason: undefined });
  });

  it('reports every truncated value', () => {
    const whole = m.tuple([
      m.code(1, m.tuple([m.interned('name'), m.frozenset([m.int(1)])])),
      m.dict([m.none, m.none]),
    ]);
    expect(walk(whole).reason).toBeUndefined();
    for (let length = 0; length < whole.length; length++) {
      expect([length, walk(whole.subarray(0, length)).reason]).toEqual([length, 'truncated']);
    }
  });

  it('reads 2000 levels and no more, like CPython', () => {
    expect(walk(nested(2000)).reason).toBeUndefined();
    expect(walk(nested(2001)).reason).toBe('nested too deeply');
    expect(walk(nested(1_000_000)).reason).toBe('nested too deeply');
  });
});

describe('isNameText', () => {
  it.each<[string, boolean]>([
    ['', true],
    ['name_1', true],
    ['1', true],
    ['a b', false],
    ['[', false],
    ['é', false],
  ])('says of %j: %s', (value, expected) => {
    const bytes = m.text(value);
    expect(isNameText(bytes, 0, bytes.length)).toBe(expected);
  });
});
