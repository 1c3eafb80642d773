import { describe, expect, it } from 'vitest';
import { outlineOf } from '../../src/inspect/outline.ts';
import { type MarshalNode, readPycTree } from '../../src/inspect/tree.ts';
import { marshalled as m, magicNumber, pycOf } from '../helpers/marshal.ts';

describe('outlineOf', () => {
  it('lists the objects in the order of the bytes, with flags and the targets of references', () => {
    const value = m.tuple([m.flagged(m.interned('a')), m.list([m.flagged(m.int(7)), m.reference(0), m.reference(1)])]);
    expect(outlineOf(readPycTree(pycOf(value), magicNumber) as MarshalNode)).toEqual([
      { offset: 16, depth: 0, place: 'value', kind: 'tuple', value: '2' },
      { offset: 21, depth: 1, place: 'value, element 0', kind: 'interned str', value: '"a"', flag: 0 },
      { offset: 24, depth: 1, place: 'value, element 1', kind: 'list', value: '3' },
      { offset: 29, depth: 2, place: 'value, element 1, element 0', kind: 'int', value: '7', flag: 1 },
      { offset: 34, depth: 2, place: 'value, element 1, element 1', kind: 'interned str', value: '"a"', refersTo: 0 },
      { offset: 39, depth: 2, place: 'value, element 1, element 2', kind: 'int', value: '7', refersTo: 1 },
    ]);
  });

  it('shows the name and first line of a code object', () => {
    const [code, instructions] = outlineOf(readPycTree(pycOf(m.code(5, m.tuple([]))), magicNumber) as MarshalNode);
    expect(code).toEqual({ offset: 16, depth: 0, place: 'f', kind: 'code', value: 'line 5' });
    expect(instructions).toEqual({ offset: 37, depth: 1, place: 'instructions', kind: 'bytes', value: '' });
  });
});
