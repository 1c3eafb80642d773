import type { PycHeader } from '../pyc/header.ts';
import type { PycTree } from './outline.ts';
import type { MarshalNode } from './tree.ts';
import { isContainer, isString, marshalType, stringType } from './types.ts';
import { childPlace, firstLineOf, kindOf, type Place, placeText, rootPlace, valueText } from './words.ts';

/** Where two pycs first differ, and how. */
export interface Difference {
  /** `header`, or `<module>.Shop.pay: constant 3`. */
  readonly place: string;
  readonly what: string;
  readonly first: string;
  readonly second: string;
}

/** How the headers of two pycs differ; undefined if they are the same. */
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
 * Where the code of two pycs of one interpreter first differs, in the order of the bytes; undefined if nowhere.
 * @param ignored fields of code objects, in words: `instructions`
 */
export function firstDifference(
  one: PycTree,
  other: PycTree,
  ignored: ReadonlySet<string> = new Set(),
): Difference | undefined {
  const { layout } = one;
  const numbers = [new Map<MarshalNode, number>(), new Map<MarshalNode, number>()] as const;
  const find = (a: MarshalNode, b: MarshalNode, place: Place): Difference | undefined => {
    if (a.isFlagged) numbers[0].set(a, numbers[0].size);
    if (b.isFlagged) numbers[1].set(b, numbers[1].size);
    const own = ownDifference(one, other, a, b, numbers);
    if (own !== undefined && !ignored.has(own[0]) && !ignored.has(place.inside)) {
      const [what, first, second] = own;
      return { place: placeText(place), what, first, second };
    }
    for (const [i, child] of a.children.entries()) {
      const twin = b.children[i];
      if (a.type === marshalType.code && i === layout.objects.length) {
        const [first, second] = [firstLineOf(one.bytes, a, layout), firstLineOf(other.bytes, b, layout)];
        if (first !== second) {
          return { place: placeText(place), what: 'first line', first: `${first}`, second: `${second}` };
        }
      }
      const inner = twin && find(child, twin, childPlace(one.bytes, a, place, i, layout));
      if (inner !== undefined) return inner;
    }
    return undefined;
  };
  return find(one.root, other.root, rootPlace(one.bytes, one.root, layout));
}

type Own = readonly [what: string, first: string, second: string];

/** How two objects differ, apart from their children. */
function ownDifference(
  one: PycTree,
  other: PycTree,
  a: MarshalNode,
  b: MarshalNode,
  numbers: readonly [ReadonlyMap<MarshalNode, number>, ReadonlyMap<MarshalNode, number>],
): Own | undefined {
  const [first, second] = [inWords(one, a.target), inWords(other, b.target)];
  const [aRefers, bRefers] = [a.target !== a, b.target !== b];
  if (aRefers || bRefers) {
    const [from, to] = [numbers[0].get(a.target), numbers[1].get(b.target)];
    if (aRefers && bRefers) return from === to ? undefined : ['reference', `${from}: ${first}`, `${to}: ${second}`];
    const shared = (number: number | undefined) => `the same object as number ${number}`;
    if (first !== second) return ['value', first, second];
    return ['sharing', aRefers ? shared(from) : 'an object of its own', bRefers ? shared(to) : 'an object of its own'];
  }
  const isSameString = isString(a.type) && isString(b.type) && stringType(a.type, false) === stringType(b.type, false);
  if (a.type !== b.type && !isSameString) return ['type', first, second];
  const number = numberDifference(one, other, a, b);
  if (number !== undefined) return number;
  if (a.type !== marshalType.code && valueText(one.bytes, a) !== valueText(other.bytes, b)) {
    return [isContainer(a.type) ? 'size' : 'value', first, second];
  }
  if (a.type !== b.type) return ['interning', kindOf(a.type), kindOf(b.type)];
  if (a.isFlagged !== b.isFlagged) return ['flag', a.isFlagged ? 'set' : 'not set', b.isFlagged ? 'set' : 'not set'];
  return undefined;
}

function numberDifference(one: PycTree, other: PycTree, a: MarshalNode, b: MarshalNode): Own | undefined {
  if (a.type !== marshalType.code) return undefined;
  for (const [i, name] of one.layout.numbers.entries()) {
    const at = 1 + 4 * i;
    const [first, second] = [one.bytes.readInt32LE(a.offset + at), other.bytes.readInt32LE(b.offset + at)];
    if (first !== second) return [name, `${first}`, `${second}`];
  }
  return undefined;
}

function inWords(tree: PycTree, node: MarshalNode): string {
  const value = valueText(tree.bytes, node);
  return value === undefined ? kindOf(node.type) : `${kindOf(node.type)} ${value}`;
}
