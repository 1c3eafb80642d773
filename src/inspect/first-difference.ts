import { marshalType } from '../marshal/types.ts';
import type { PycHeader } from '../pyc/header.ts';
import type { PycTree } from './outline.ts';
import type { MarshalNode } from './tree.ts';
import {
  type Difference,
  differenceAt,
  firstLineDifference,
  inWords,
  type OwnDifference,
  ownValueDifference,
} from './value-difference.ts';
import { childPlace, kindOf, type ObjectPlace, rootPlace } from './words.ts';

/** The difference of two headers; undefined if they are equal. */
export function headerDifference(one: PycHeader, other: PycHeader): Difference | undefined {
  const [first, second] = [Object.entries(one), Object.entries(other)];
  const at = first.findIndex(([name, value], i) => second[i]?.[0] !== name || second[i]?.[1] !== value);
  if (at < 0) return undefined;
  const words: Readonly<Record<string, string>> = {
    magicNumber: 'magic number',
    invalidationMode: 'invalidation mode',
    sourceMtimeSeconds: 'mtime of the source',
    sourceSizeBytes: 'size of the source',
    sourceHash: 'hash of the source',
  };
  const [name = '', value] = first[at] ?? [];
  return { place: 'header', what: words[name] ?? name, first: `${value}`, second: `${second[at]?.[1]}` };
}

/**
 * The first difference in the code of two pycs of one interpreter, in the order of the bytes; undefined if there is
 * none. Flags, references and interning count.
 */
export function firstDifference(one: PycTree, other: PycTree): Difference | undefined {
  const { layout } = one;
  const numbers = [new Map<MarshalNode, number>(), new Map<MarshalNode, number>()] as const;
  const find = (a: MarshalNode, b: MarshalNode, place: ObjectPlace): Difference | undefined => {
    if (a.isFlagged) numbers[0].set(a, numbers[0].size);
    if (b.isFlagged) numbers[1].set(b, numbers[1].size);
    const own = ownDifference(one, other, a, b, numbers);
    if (own !== undefined) return differenceAt(place, own);
    for (const [i, child] of a.children.entries()) {
      if (a.type === marshalType.code && i === layout.objects.length) {
        const lines = firstLineDifference(one, other, a, b);
        if (lines !== undefined) return differenceAt(place, lines);
      }
      const inner = find(child, b.children[i] as MarshalNode, childPlace(one.bytes, a, place, i, layout));
      if (inner !== undefined) return inner;
    }
    return undefined;
  };
  return find(one.root, other.root, rootPlace(one.bytes, one.root, layout));
}

/** The difference of two objects without their children. */
function ownDifference(
  one: PycTree,
  other: PycTree,
  a: MarshalNode,
  b: MarshalNode,
  numbers: readonly [ReadonlyMap<MarshalNode, number>, ReadonlyMap<MarshalNode, number>],
): OwnDifference | undefined {
  const [aRefers, bRefers] = [a.target !== a, b.target !== b];
  if (aRefers || bRefers) {
    const [first, second] = [inWords(one, a.target), inWords(other, b.target)];
    const [from, to] = [numbers[0].get(a.target), numbers[1].get(b.target)];
    if (aRefers && bRefers) return from === to ? undefined : ['reference', `${from}: ${first}`, `${to}: ${second}`];
    const shared = (number: number | undefined) => `the same object as number ${number}`;
    if (first !== second) return ['value', first, second];
    return ['sharing', aRefers ? shared(from) : 'an object of its own', bRefers ? shared(to) : 'an object of its own'];
  }
  const own = ownValueDifference(one, other, a, b);
  if (own !== undefined) return own;
  if (a.type !== b.type) return ['interning', kindOf(a.type), kindOf(b.type)];
  if (a.isFlagged !== b.isFlagged) return ['flag', a.isFlagged ? 'set' : 'not set', b.isFlagged ? 'set' : 'not set'];
  return undefined;
}
