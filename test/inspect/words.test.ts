import { describe, expect, it } from 'vitest';
import { type MarshalNode, readMarshalTree } from '../../src/inspect/tree.ts';
import { childPlace, kindOf, placeText, rootPlace, valueText } from '../../src/inspect/words.ts';
import { type CodeLayout, codeLayoutOf } from '../../src/pyc/releases.ts';
import { marshalled as m, magicNumber } from '../helpers/marshal.ts';

const layout = codeLayoutOf(magicNumber) as CodeLayout;
const read = (bytes: Buffer) => readMarshalTree(bytes, 0, layout) as MarshalNode;

describe('an object in words', () => {
  it.each<[Buffer, string, string | undefined]>([
    [m.text('a\n"'), 'str', '"a\\n\\""'],
    [m.interned('name'), 'interned str', '"name"'],
    [m.int(-1), 'int', '-1'],
    [m.bytes('ab'), 'bytes', '6162'],
    [m.none, 'None', undefined],
    [m.tuple([m.none, m.none]), 'tuple', '2'],
    [m.frozenset([]), 'frozenset', '0'],
    [m.code(1, m.tuple([])), 'code', undefined],
    [Buffer.from('g\0\0\0\0\0\0\xf8?', 'latin1'), 'float', '1.5'],
    [Buffer.from('l\x01\0\0\0\x05\0', 'latin1'), 'int', '010000000500'],
  ])('is what %o is', (bytes, kind, value) => {
    const node = read(bytes);
    expect([kindOf(node.type), valueText(node)]).toEqual([kind, value]);
  });

  it('has a place in its code objects', () => {
    const bytes = m.code(1, m.tuple([m.none, m.code(2, m.tuple([m.tuple([m.none])])), m.none]));
    const found: string[] = [];
    const visit = (node: MarshalNode, place: ReturnType<typeof rootPlace>) => {
      found.push(placeText(place));
      for (const i of node.children.keys()) visit(node.children[i] as MarshalNode, childPlace(node, place, i));
    };
    const root = read(bytes);
    visit(root, rootPlace(root));
    expect(found.slice(0, 7)).toEqual([
      'f',
      'f: instructions',
      'f: constants',
      'f: constant 0',
      'f.f',
      'f.f: instructions',
      'f.f: constants',
    ]);
    expect(found).toContain('f.f: constant 0, element 0');
    expect(found).toContain('f: constant 2');
    expect(found.at(-1)).toBe('f: exception table');
  });
});
