import { getOrAdd } from '../get-or-add.ts';
import { isContainer, isString, marshalType, stringType } from '../marshal/types.ts';
import { movedWithClass } from './class-lines.ts';
import type { PycTree } from './outline.ts';
import type { MarshalNode } from './tree.ts';
import { childPlace, firstLineOf, kindOf, type ObjectPlace, placeText, valueText } from './words.ts';

/** The first difference of two pycs. */
export interface Difference {
  /** `header`, or `<module>.Shop.pay: constant 3`. */
  readonly place: string;
  readonly what: string;
  readonly first: string;
  readonly second: string;
}

/** The difference of two objects without their children. */
export type OwnDifference = readonly [what: string, first: string, second: string];

/** What to ignore. */
export interface Ignored {
  /** Fields of code objects, in words: `instructions`. With `first line`, that of a class is ignored everywhere. */
  readonly fields?: ReadonlySet<string>;
  /** Nested code objects. */
  readonly inner?: boolean;
}

/** Returns the first difference of two values, without nodes that moved with their class; undefined if there is none. */
type Compare = (
  a: MarshalNode,
  b: MarshalNode,
  place: ObjectPlace,
  moved?: readonly MarshalNode[],
) => Difference | undefined;

/** The limit for pairs, which references can multiply. The largest modules have 30,000 tuples and code objects. */
const maxPairs = 200_000;

/** Compares objects of two pycs by value, in the order of the bytes. Ignores sharing and interning. */
export function valueComparison(
  one: PycTree,
  other: PycTree,
  { fields = new Set(), inner = false }: Ignored = {},
): Compare {
  const { layout } = one;
  /** Pairs that are equal or being compared, because an object may occur in many places. */
  const compared = new Map<MarshalNode, Set<MarshalNode>>();
  let pairs = 0;
  const find: Compare = (a, b, place, ofCode) => {
    const own = ownValueDifference(one, other, a, b, fields);
    if (own !== undefined) return differenceAt(place, own);
    const isOfLine = a.type === marshalType.code && fields.has('first line');
    const moved = isOfLine ? movedWithClass(one, other, a, b) : ofCode;
    for (const [i, child] of a.children.entries()) {
      if (a.type === marshalType.code && i === layout.objects.length && !fields.has('first line')) {
        const lines = firstLineDifference(one, other, a, b);
        if (lines !== undefined) return differenceAt(place, lines);
      }
      const ofChild = childPlace(one.bytes, a, place, i, layout);
      const [own, its] = [child.target, (b.children[i] as MarshalNode).target];
      const isLeft = inner && own.type === marshalType.code && its.type === own.type;
      const found =
        isLeft || moved?.includes(child) || fields.has(ofChild.inside) ? undefined : compare(own, its, ofChild, moved);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const compare: Compare = (a, b, place, moved) => {
    if (a.children.length === 0) return find(a, b, place, moved);
    const others = getOrAdd(compared, a, () => new Set());
    if (others.has(b)) return undefined;
    pairs += 1;
    if (pairs > maxPairs) return differenceAt(place, ['value', 'too many objects', 'too many objects']);
    others.add(b);
    const found = find(a, b, place, moved);
    if (found !== undefined) others.delete(b);
    return found;
  };
  return compare;
}

/** A difference in words. */
export function differenceAt(place: ObjectPlace, [what, first, second]: OwnDifference): Difference {
  return { place: placeText(place), what, first, second };
}

/** The difference of two values without their children. */
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
  // 0.0 and -0.0, and strings with lone surrogates, may look the same.
  if (first !== second) return ['value', first, second];
  return ['value', `${first} (${own.toString('hex')})`, `${second} (${its.toString('hex')})`];
}

/** The bytes of an object, without its type and children. */
function dataOf({ bytes }: PycTree, { offset, sizeBytes }: MarshalNode): Buffer {
  return bytes.subarray(offset + 1, offset + sizeBytes);
}

/** The difference of the first lines of two code objects. */
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
