import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MarshalNode, readMarshalTree } from '../../src/inspect/tree.ts';
import { encodeNormal, normalFormVersion } from '../../src/marshal/normal-form.ts';
import { flagRef, isString, marshalType } from '../../src/marshal/types.ts';
import { type CodeLayout, codeLayoutOf } from '../../src/pyc/releases.ts';
import { anyMarshalled, marshalled as m, magicNumber, meaningOf } from '../helpers/marshal.ts';
import { expectNormalForm } from '../helpers/normal-form.ts';

const layout = codeLayoutOf(magicNumber) as CodeLayout;
const encode = (bytes: Buffer) => encodeNormal(bytes, 0, layout);
/** CPython 3.7's: its compiler makes equal strings of different functions two objects. */
const layout37 = codeLayoutOf(3394) as CodeLayout;

function meaning(bytes: Buffer): string {
  const tree = readMarshalTree(bytes, 0, layout);
  if ('unreadable' in tree) throw new Error(tree.unreadable);
  return meaningOf(bytes, tree, layout);
}

const flagged = m.flagged;
const set = (...items: Buffer[]) => m.frozenset(items);
const [a, b] = [m.interned('a'), m.interned('b')];
const nan = m.float(Number.NaN);

/** Tuples in tuples, flagged, around an object. */
const around = (depth: number, inner: Buffer) =>
  Buffer.concat([...Array.from({ length: depth }, () => Buffer.from([marshalType.smallTuple | flagRef, 1])), inner]);

/** For each object of a value, but its strings, the number of the object that it is. */
function identities(bytes: Buffer): number[] {
  const numbers = new Map<MarshalNode, number>();
  const numbersIn = ({ target }: MarshalNode): number[] => {
    if (isString(target.type)) return [];
    if (!numbers.has(target)) numbers.set(target, numbers.size);
    return [numbers.get(target) as number, ...target.children.flatMap(numbersIn)];
  };
  const tree = readMarshalTree(bytes, 0, layout);
  if ('unreadable' in tree) throw new Error(tree.unreadable);
  return numbersIn(tree);
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
      'keeps equal tuples, numbers and bytes apart, and one that is shared one',
      m.tuple([m.tuple([m.int(1)]), m.bytes('x'), flagged(m.tuple([m.int(1)])), m.bytes('x'), m.reference(0)]),
      m.tuple([m.tuple([m.int(1)]), m.bytes('x'), flagged(m.tuple([m.int(1)])), m.bytes('x'), m.reference(0)]),
    ],
    [
      'keeps two NaNs apart, and one that is shared one',
      m.tuple([flagged(nan), flagged(nan), m.tuple([m.reference(0), nan])]),
      m.tuple([flagged(nan), nan, m.tuple([m.reference(0), nan])]),
    ],
    ['keeps both NaNs of a frozenset', set(flagged(nan), flagged(nan)), set(nan, nan)],
    [
      'keeps frozensets of two NaNs apart, but not those of the same one',
      m.tuple([flagged(nan), set(nan), set(m.reference(0)), set(m.reference(0))]),
      m.tuple([flagged(nan), set(nan), flagged(set(m.reference(0))), m.reference(1)]),
    ],
    [
      'sorts NaNs in a frozenset as they first occur',
      m.tuple([flagged(nan), flagged(nan), set(nan, m.reference(1), a, m.reference(0))]),
      m.tuple([flagged(nan), flagged(nan), set(a, m.reference(0), m.reference(1), nan)]),
    ],
    [
      'sorts elements by which NaNs in them are one',
      set(m.tuple([nan, nan]), m.tuple([flagged(nan), m.reference(0)])),
      set(m.tuple([flagged(nan), m.reference(0)]), m.tuple([nan, nan])),
    ],
    [
      'sorts NaNs in a frozenset as they first occur in the normal form',
      m.tuple([
        set(m.tuple([flagged(nan), b]), m.tuple([flagged(nan), a])),
        set(m.reference(0), m.reference(1)),
        set(nan, m.reference(0), m.reference(1)),
      ]),
      m.tuple([
        set(m.tuple([flagged(nan), a]), m.tuple([flagged(nan), b])),
        set(m.reference(0), m.reference(1)),
        set(m.reference(0), m.reference(1), nan),
      ]),
    ],
    [
      'leaves the strings of a slice as they are',
      m.tuple([m.text('a'), m.slice(m.text('a'), flagged(m.text('a b')), m.none), m.text('a b'), m.reference(0)]),
      m.tuple([a, m.slice(m.text('a'), flagged(m.text('a b')), m.none), m.text('a b'), m.reference(0)]),
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

  it('gives equal values the same bytes, and is idempotent', () => {
    expectNormalForm(anyMarshalled, encode, meaning);
  });

  it('preserves object identity, except for strings and frozensets', () => {
    const values = anyMarshalled.filter((value) => !value.some((byte) => (byte & ~flagRef) === marshalType.frozenset));
    fc.assert(
      fc.property(values, (value) => {
        expect(identities(encode(value) as Buffer)).toEqual(identities(value));
      }),
      { numRuns: 2000 },
    );
  });

  it('merges equal fields of code objects, but not the constants in them', () => {
    const code = m.code(1, m.tuple([m.bytes('')]));
    const codes = readMarshalTree(encode(m.tuple([code, code])) as Buffer, 0, layout) as MarshalNode;
    const [one, other] = codes.children.map(({ children: [bytecode, constants] }) => ({ bytecode, constants }));
    expect(one?.bytecode?.target).toBe(other?.bytecode?.target);
    expect(one?.constants?.target).not.toBe(other?.constants?.target);
  });

  it('keeps strings that are not names apart where the compiler does', () => {
    const [text, twice] = [m.text('a b'), m.tuple([m.text('a b'), m.text('a b'), m.text('a'), a])];
    expect(encodeNormal(twice, 0, layout37)).toEqual(m.tuple([text, text, flagged(a), m.reference(0)]));
    expect(encode(twice)).toEqual(m.tuple([flagged(text), m.reference(0), flagged(a), m.reference(1)]));
  });

  it('distinguishes many objects', () => {
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

  it('reads 2000 levels, and reports deeper nesting', () => {
    expect(encode(around(2000, m.none))).toEqual(Buffer.from(`${')\x01'.repeat(2000)}N`, 'latin1'));
    expect(encode(around(2001, m.none))).toEqual({ unreadable: 'nested too deeply' });
    const chained = m.tuple([around(1500, m.none), around(1500, m.reference(0))]);
    expect(encode(encode(chained) as Buffer)).toEqual(encode(chained));
  });

  it('allows a frozenset at the deepest level, but not one with deep nesting', () => {
    const deep = (depth: number) => m.tuple([around(depth, m.none), around(1990, set(m.reference(0)))]);
    expect(Buffer.isBuffer(encode(deep(200)))).toBe(true);
    expect(encode(deep(201))).toEqual({ unreadable: 'nested too deeply in a frozenset' });
    expect(encode(deep(1990))).toEqual({ unreadable: 'nested too deeply in a frozenset' });
  });

  it('does not expand a frozenset that references make huge', () => {
    // Written out, it would have 2 to the 40th elements: a test that ends has not done so.
    let doubling = flagged(m.tuple([m.int(1), m.int(1)]));
    const levels = [doubling];
    for (let level = 0; level < 40; level++) {
      doubling = flagged(m.tuple([m.reference(level), m.reference(level)]));
      levels.push(doubling);
    }
    const huge = m.tuple([...levels, set(m.reference(40))]);
    expect(encode(huge)).toEqual(huge);
  });

  it('refuses nested frozensets that would take too long to sort', () => {
    let nested = set(m.bytes('x'.repeat(100)));
    for (let level = 0; level < 40; level++) nested = set(nested);
    expect(encode(nested)).toEqual({ unreadable: 'too many nested frozensets' });
  });

  it('writes nothing for an object that contains itself', () => {
    expect(encode(flagged(m.tuple([set(m.reference(0))])))).toEqual({ unreadable: 'an object that contains itself' });
  });
});

it('normalFormVersion changes with the normal form', () => {
  const hash = createHash('sha256');
  for (const value of fc.sample(anyMarshalled, { numRuns: 2000, seed: 1 })) {
    const normal = encode(value);
    hash.update(Buffer.isBuffer(normal) ? normal : normal.unreadable);
  }
  // Other bytes here, and the same values from fast-check: raise the version, or caches give the old bytes.
  expect([normalFormVersion, hash.digest('hex')]).toEqual([
    2,
    '1d9f811e2c001ab909329773e25a433fd7a1a1b289de70b3d075324d224e0c62',
  ]);
});
