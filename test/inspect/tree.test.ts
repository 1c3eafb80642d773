import { describe, expect, it } from 'vitest';
import { readMarshalTree, readPycTree } from '../../src/inspect/tree.ts';
import { marshalType } from '../../src/marshal/types.ts';
import { type CodeLayout, codeLayoutOf } from '../../src/pyc/releases.ts';
import { marshalled as m, magicNumber, meaningOf, pycOf } from '../helpers/marshal.ts';

const layout = codeLayoutOf(magicNumber) as CodeLayout;
const read = (bytes: Buffer) => readMarshalTree(bytes, 0, layout);

describe('readMarshalTree', () => {
  it('has each object with its place, its flag and its children', () => {
    const tree = read(m.tuple([m.flagged(m.text('a b')), m.reference(0)]));
    expect(tree).toMatchObject({
      type: marshalType.tuple,
      flag: undefined,
      offset: 0,
      sizeBytes: 5,
      children: [
        { type: marshalType.shortAscii, flag: 0, offset: 5, sizeBytes: 5, children: [] },
        { type: marshalType.reference, flag: undefined, offset: 10, sizeBytes: 5, children: [] },
      ],
    });
  });

  it('leads from a reference to its object, and from any other object to itself', () => {
    const tree = read(m.tuple([m.flagged(m.tuple([m.flagged(m.int(1))])), m.reference(1), m.reference(0)]));
    if ('unreadable' in tree) throw new Error(tree.unreadable);
    const [inner, toInt, toInner] = tree.children;
    expect(toInt?.target).toBe(inner?.children[0]);
    expect(toInner?.target).toBe(inner);
    expect(inner?.target).toBe(inner);
  });

  it('numbers only the objects that marshal numbers, whatever else has the flag', () => {
    const tree = read(m.tuple([m.flagged(m.none), m.flagged(m.text('x')), m.flagged(m.reference(0)), m.reference(0)]));
    if ('unreadable' in tree) throw new Error(tree.unreadable);
    const [none, text, ...references] = tree.children;
    expect(none?.flag).toBeUndefined();
    expect(references.map(({ target }) => target === text)).toEqual([true, true]);
  });

  it('means the same with and without references', () => {
    const texts = [m.tuple([m.text('x'), m.text('x')]), m.tuple([m.flagged(m.interned('x')), m.reference(0)])];
    const [plain, shared] = texts.map((bytes) => {
      const tree = read(bytes);
      return 'unreadable' in tree ? tree.unreadable : meaningOf(bytes, tree, layout);
    });
    expect(shared).toBe(plain);
  });

  it.each<[string, Buffer, string]>([
    ['out of range', m.tuple([m.flagged(m.int(1)), m.reference(1)]), 'a reference to an object that does not exist'],
    ['below zero', m.tuple([m.flagged(m.int(1)), m.reference(-1)]), 'a reference to an object that does not exist'],
    ['forward', m.tuple([m.reference(0), m.flagged(m.int(1))]), 'a reference to an object that does not exist'],
    ['to the object that it is in', m.flagged(m.tuple([m.reference(0)])), 'an object that contains itself'],
    [
      'to an object further out',
      m.flagged(m.tuple([m.flagged(m.tuple([m.tuple([m.reference(0)])]))])),
      'an object that contains itself',
    ],
    ['in bytes that end', m.tuple([m.reference(0)]).subarray(0, -1), 'truncated'],
  ])('refuses a reference %s', (_, bytes, unreadable) => {
    expect(read(bytes)).toEqual({ unreadable });
  });
});

describe('readPycTree', () => {
  it.each([
    [pycOf(m.none), 3700, 'unknown magic number 3700'],
    [pycOf(m.reference(0)), magicNumber, 'a reference to an object that does not exist'],
  ])('reports why it cannot read a pyc', (pyc, magic, unreadable) => {
    expect(readPycTree(pyc, magic)).toEqual({ unreadable });
  });
});
