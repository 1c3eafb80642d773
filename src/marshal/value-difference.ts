import type { PycTree } from './outline.ts';
import type { MarshalNode } from './tree.ts';
import { isContainer, isString, marshalType, stringType } from './types.ts';
import { childPlace, firstLineOf, kindOf, type Place, placeText, valueText } from './words.ts';

/** Where two pycs first differ, and how. */
export interface Difference {
  /** `header`, or `<module>.Shop.pay: constant 3`. */
  readonly place: string;
  readonly what: string;
  readonly first: string;
  readonly second: string;
}

/** How two objects differ, apart from their children. */
export type OwnDifference = readonly [what: string, first: string, second: string];

/** What is not compared. */
export interface Ignored {
  /** Fields of code objects, in words: `instructions`. */
  readonly fields?: ReadonlySet<string>;
  /** Code objects in others. */
  readonly inner?: boolean;
}

/**
 * Where the values of two objects first differ, in the order of the bytes; undefined if nowhere. Which of them are one
 * object does not matter, nor which strings are interned.
 */
export function valueDifference(
  [one, a]: readonly [tree: PycTree, object: MarshalNode],
  [other, b]: readonly [tree: PycTree, object: MarshalNode],
  start: Place,
  { fields = new Set(), inner = false }: Ignored = {},
): Difference | undefined {
  const { layout } = one;
  /** Pairs that were compared: an object may be in many places. */
  const compared = new Map<MarshalNode, Set<MarshalNode>>();
  const find = ({ target: a }: MarshalNode, { target: b }: MarshalNode, place: Place): Difference | undefined => {
    if (fields.has(place.inside) || compared.get(a)?.has(b) === true) return undefined;
    if (inner && place !== start && a.type === marshalType.code && b.type === a.type) return undefined;
    if (a.children.length > 0) compared.set(a, (compared.get(a) ?? new Set()).add(b));
    const own = ownValueDifference(one, other, a, b, fields);
    if (own !== undefined) return differenceAt(place, own);
    for (const [i, child] of a.children.entries()) {
      if (a.type === marshalType.code && i === layout.objects.length && !fields.has('first line')) {
        const lines = firstLineDifference(one, other, a, b);
        if (lines !== undefined) return differenceAt(place, lines);
      }
      const found = find(child, b.children[i] as MarshalNode, childPlace(one.bytes, a, place, i, layout));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return find(a, b, start);
}

/** A difference in words. */
export function differenceAt(place: Place, [what, first, second]: OwnDifference): Difference {
  return { place: placeText(place), what, first, second };
}

/** How the values of two objects differ, apart from their children. */
export function ownValueDifference(
  one: PycTree,
  other: PycTree,
  a: MarshalNode,
  b: MarshalNode,
  ignored: ReadonlySet<string> = new Set(),
): OwnDifference | undefined {
  const isSameString = isString(a.type) && isString(b.type) && stringType(a.type, false) === stringType(b.type, false);
  if (a.type !== b.type && !isSameString) return ['type', inWords(one, a), inWords(other, b)];
  if (a.type === marshalType.code) return numberDifference(one, other, a, b, ignored);
  if (isContainer(a.type)) {
    return a.children.length === b.children.length ? undefined : ['size', inWords(one, a), inWords(other, b)];
  }
  const [own, its] = [dataOf(one, a), dataOf(other, b)];
  if (own.equals(its)) return undefined;
  const [first, second] = [inWords(one, a), inWords(other, b)];
  // 0.0 and -0.0, and strings with lone surrogates, may look alike.
  if (first !== second) return ['value', first, second];
  return ['value', `${first} (${own.toString('hex')})`, `${second} (${its.toString('hex')})`];
}

/** The bytes of an object, without its type and children. */
function dataOf({ bytes }: PycTree, { offset, sizeBytes }: MarshalNode): Buffer {
  return bytes.subarray(offset + 1, offset + sizeBytes);
}

/** How the first lines of two code objects differ. */
export function firstLineDifference(
  one: PycTree,
  other: PycTree,
  a: MarshalNode,
  b: MarshalNode,
): OwnDifference | undefined {
  const [first, second] = [firstLineOf(one.bytes, a, one.layout), firstLineOf(other.bytes, b, one.layout)];
  return first === second ? undefined : ['first line', `${first}`, `${second}`];
}

function numberDifference(
  one: PycTree,
  other: PycTree,
  a: MarshalNode,
  b: MarshalNode,
  ignored: ReadonlySet<string>,
): OwnDifference | undefined {
  for (const [i, name] of one.layout.numbers.entries()) {
    const at = 1 + 4 * i;
    const [first, second] = [one.bytes.readInt32LE(a.offset + at), other.bytes.readInt32LE(b.offset + at)];
    if (first !== second && !ignored.has(name)) return [name, `${first}`, `${second}`];
  }
  return undefined;
}

/** An object in words: `str "paid"`. */
export function inWords(tree: PycTree, node: MarshalNode): string {
  const value = valueText(tree.bytes, node);
  return value === undefined ? kindOf(node.type) : `${kindOf(node.type)} ${value}`;
}
