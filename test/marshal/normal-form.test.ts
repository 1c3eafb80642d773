import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeNormal, normalFormVersion } from '../../src/marshal/normal-form.ts';
import { type MarshalNode, readMarshalTree } from '../../src/marshal/tree.ts';
import { flagRef, marshalType } from '../../src/marshal/types.ts';
import { type CodeLayout, codeLayoutOf } from '../../src/pyc/releases.ts';
import { anyMarshalled, marshalled as m, magicNumber, meaningOf } from '../helpers/marshal.ts';
import { expectNormalForm } from '../helpers/normal-form.ts';

const layout = codeLayoutOf(magicNumber) as CodeLayout;
const encode = (bytes: Buffer) => encodeNormal(bytes, 0, layout);

function meaning(bytes: Buffer): string {
  const tree = readMarshalTree(bytes, 0, layout);
  if ('unreadable' in tree) throw new Error(tree.unreadable);
  return meaningOf(bytes, tree, layout);
}

const flagged = m.flagged;
const set = (...items: Buffer[]) => m.frozenset(items);
const [a, b] = [m.interned('a'), m.interned('b')];

/** Tuples in tuples, flagged, around an object. */
const around = (depth: number, inner: Buffer) =>
  Buffer.concat([...Array.from({ length: depth }, () => Buffer.from([marshalType.smallTuple | flagRef, 1])), inner]);

/** A value without flags and references. */
function writtenOut(bytes: Buffer): Buffer {
  const write = ({ target: { type, offset, sizeBytes, children } }: MarshalNode): Buffer =>
    Buffer.concat([Buffer.from([type]), bytes.subarray(offset + 1, offset + sizeBytes), ...children.map(write)]);
  const tree = readMarshalTree(bytes, 0, layout);
  if ('unreadable' in tree) throw new Error(tree.unreadable);
  return write(tree);
}

describe('encodeNormal', () => {
  it.each<[string, Buffer, Buffer]>([
    ['clears a flag that nothing needs', m.tuple([flagged(m.int(1))]), m.tuple([m.int(1)])],
    [
      'numbers references anew',
      m.tuple([flagged(m.int(1)), flagged(m.int(2)), m.reference(1)]),
      m.tuple([m.int(1), flagged(m.int(2)), m.reference(0)]),
    ],
    [
      'makes equal strings one',
      m.tuple([m.text('a b'), m.text('a b')]),
      m.tuple([flagged(m.text('a b')), m.reference(0)]),
    ],
    ['interns what looks like a name', m.tuple([m.text('a')]), m.tuple([a])],
    ['takes other strings out of the interned', m.tuple([m.interned('a b')]), m.tuple([m.text('a b')])],
    ['makes a string one with its interned twin', m.tuple([m.text('a'), a]), m.tuple([flagged(a), m.reference(0)])],
    [
      'makes equal tuples one',
      m.tuple([m.tuple([a, m.int(1)]), m.tuple([flagged(a), m.int(1)]), m.reference(0)]),
      m.tuple([flagged(m.tuple([flagged(a), m.int(1)])), m.reference(0), m.reference(1)]),
    ],
    ['keeps other tuples apart', m.tuple([m.tuple([a]), m.tuple([b])]), m.tuple([m.tuple([a]), m.tuple([b])])],
    [
      'makes equal numbers and bytes one, but not those of another type',
      m.tuple([m.int(0x20), m.bytes(''), m.int(0x20), m.bytes(''), m.long(0)]),
      m.tuple([flagged(m.int(0x20)), flagged(m.bytes('')), m.reference(0), m.reference(1), m.long(0)]),
    ],
    ['keeps lists apart', m.tuple([m.list([a]), m.list([b])]), m.tuple([m.list([a]), m.list([b])])],
    [
      'keeps code objects apart, but not what is in them',
      m.tuple([m.code(1, m.tuple([a])), m.code(1, m.tuple([a]))]),
      Buffer.alloc(0),
    ],
    ['sorts a frozenset', set(b, a), set(a, b)],
    ['makes equal frozensets one', m.tuple([set(a, b), set(b, a)]), m.tuple([flagged(set(a, b)), m.reference(0)])],
    [
      'keeps frozensets of other types apart',
      m.tuple([set(m.int(0)), set(m.none)]),
      m.tuple([set(m.int(0)), set(m.none)]),
    ],
    [
      'writes an object where it comes first in a sorted frozenset',
      m.tuple([set(flagged(m.tuple([b])), m.int(1)), m.reference(0)]),
      m.tuple([set(flagged(m.tuple([b])), m.int(1)), m.reference(0)]),
    ],
    [
      'tells code objects in frozensets apart by their first line',
      m.tuple([set(m.code(1, m.tuple([]))), set(m.code(2, m.tuple([])))]),
      Buffer.alloc(0),
    ],
  ])('%s', (_, bytes, expected) => {
    const normal = encode(bytes) as Buffer;
    if (expected.length > 0) expect(normal).toEqual(expected);
    expect(meaning(normal)).toBe(meaning(bytes));
  });

  it('gives every value that means the same, and again the same, bytes that encode to themselves', () => {
    expectNormalForm(anyMarshalled, encode, meaning);
  });

  it('does not depend on how much was one object before', () => {
    const values = anyMarshalled.filter((value) => !value.some((byte) => (byte & ~flagRef) === marshalType.list));
    fc.assert(
      fc.property(values, (value) => {
        expect(encode(writtenOut(value))).toEqual(encode(value));
      }),
      { numRuns: 2000 },
    );
  });

  it('tells many objects apart, and recognizes each', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => m.text(`- ${'x'.repeat(i % 9)} ${i} ${'y'.repeat(i % 7)}`));
    const normal = encode(m.tuple([...many(5000), ...many(5000)])) as Buffer;
    const expected = [...many(5000).map(flagged), ...Array.from({ length: 5000 }, (_, i) => m.reference(i))];
    expect(normal.equals(m.tuple(expected))).toBe(true);
  });

  it('does not depend on the order in which the elements of a frozenset were written', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ unit: fc.constantFrom('a', 'b', ' ', '['), maxLength: 4 }), { maxLength: 8 }),
        fc.context(),
        fc.infiniteStream(fc.nat()),
        (texts, _, random) => {
          const shuffled = texts.map((text) => [random.next().value, text] as const).sort(([x], [y]) => x - y);
          const other = set(...shuffled.map(([, text]) => m.interned(text)));
          expect(encode(other)).toEqual(encode(set(...texts.map(m.text))));
        },
      ),
    );
  });

  it('goes 2000 deep, and says in words that it goes no deeper', () => {
    expect(encode(around(2000, m.none))).toEqual(Buffer.from(`${')\x01'.repeat(2000)}N`, 'latin1'));
    expect(encode(around(2001, m.none))).toEqual({ unreadable: 'nested too deep' });
    const chained = m.tuple([around(1500, m.none), around(1500, m.reference(0))]);
    expect(encode(encode(chained) as Buffer)).toEqual(encode(chained));
  });

  it('has room for a frozenset at the bottom, but not for one that is as deep again', () => {
    const deep = (depth: number) => m.tuple([around(depth, m.none), around(1990, set(m.reference(0)))]);
    expect(Buffer.isBuffer(encode(deep(200)))).toBe(true);
    expect(encode(deep(201))).toEqual({ unreadable: 'nested too deep in a frozenset' });
    expect(encode(deep(1990))).toEqual({ unreadable: 'nested too deep in a frozenset' });
  });

  it('refuses, without writing it out, a frozenset that references make huge', () => {
    // Written out, it would have 2 to the 40th elements: a test that ends has not done so.
    let doubling = flagged(m.tuple([m.int(1), m.int(1)]));
    const levels = [doubling];
    for (let level = 0; level < 40; level++) {
      doubling = flagged(m.tuple([m.reference(level), m.reference(level)]));
      levels.push(doubling);
    }
    expect(encode(m.tuple([...levels, set(m.reference(40))]))).toEqual({
      unreadable: 'frozensets of frozensets without end',
    });
  });

  it('writes nothing for an object in itself', () => {
    expect(encode(flagged(m.tuple([set(m.reference(0))])))).toEqual({ unreadable: 'an object that contains itself' });
  });
});

it('normalFormVersion is another one if the normal form is', () => {
  const hash = createHash('sha256');
  for (const value of fc.sample(anyMarshalled, { numRuns: 2000, seed: 1 })) {
    const normal = encode(value);
    hash.update(Buffer.isBuffer(normal) ? normal : normal.unreadable);
  }
  // Other bytes here, and the same values from fast-check: raise the version, or caches give the old bytes.
  expect([normalFormVersion, hash.digest('hex')]).toEqual([
    1,
    'a6b56e2f329a0a696e7fe90d671d845d3474b169eec87f990a0a0721699c8521',
  ]);
});
