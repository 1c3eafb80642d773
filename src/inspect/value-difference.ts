import { getOrAdd } from '../get-or-add.ts';
import { isContainer, isString, marshalType, stringType } from '../marshal/types.ts';
import { withLineOf } from './class-lines.ts';
import type { MarshalNode } from './tree.ts';
import { childPlace, firstLineOf, inWords, kindOf, type ObjectPlace, placeText } from './words.ts';

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

/** Returns the first difference of two values; undefined if there is none. Ignores the line at which a class begins. */
type Compare = (a: MarshalNode, b: MarshalNode, place: ObjectPlace) => Difference | undefined;

/** The limit for pairs, which references can multiply. The largest modules have 30,000 tuples and code objects. */
const maxPairs = 200_000;

/** Compares objects of two pycs of one interpreter by value, parents first. Ignores sharing and interning. */
export function valueComparison({ fields = new Set(), inner = false }: Ignored = {}): Compare {
  /** Pairs that are equal or being compared, because an object may occur in many places. */
  const compared = new Map<MarshalNode, Set<MarshalNode>>();
  let pairs = 0;
  const find: Compare = (a, b, place) => {
    const own = ownValueDifference(a, b, fields);
    if (own !== undefined) return differenceAt(place, own);
    const { children } = a.type === marshalType.code && fields.has('first line') ? withLineOf(a, b) : b;
    for (const [i, child] of a.children.entries()) {
      const ofChild = childPlace(a, place, i);
      const [its, other] = [child.target, (children[i] as MarshalNode).target];
      const isLeft = inner && its.type === marshalType.code && other.type === its.type;
      const found = isLeft || fields.has(ofChild.inside) ? undefined : compare(its, other, ofChild);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const compare: Compare = (a, b, place) => {
    if (a.children.length === 0) return find(a, b, place);
    const others = getOrAdd(compared, a, () => new Set());
    if (others.has(b)) return undefined;
    pairs += 1;
    if (pairs > maxPairs) return differenceAt(place, ['value', 'too many objects', 'too many objects']);
    others.add(b);
    const found = find(a, b, place);
    if (found !== undefined) others.delete(b);
    return found;
  };
  return compare;
}

/** A difference in words. */
export function differenceAt(place: ObjectPlace, [what, first, second]: OwnDifference): Difference {
  return { place: placeText(place), what, first, second };
}

/** The difference of two values without their children. @param ignored numbers of code objects, in words */
export function ownValueDifference(
  a: MarshalNode,
  b: MarshalNode,
  ignored: ReadonlySet<string> = new Set(),
): OwnDifference | undefined {
  const isSameString = isString(a.type) && isString(b.type) && stringType(a.type, false) === stringType(b.type, false);
  if (kindOf(a.type) !== kindOf(b.type) && !isSameString) return ['type', inWords(a), inWords(b)];
  if (a.type === marshalType.code) return numberDifference(a, b, ignored);
  if (isContainer(a.type)) {
    const [first, second] = [`${a.children.length}`, `${b.children.length}`];
    return first === second ? undefined : ['size', first, second];
  }
  const [own, its] = [dataOf(a), dataOf(b)];
  if (own.equals(its)) return undefined;
  const [first, second] = [inWords(a), inWords(b)];
  // 0.0 and -0.0, and strings with lone surrogates, may look the same.
  if (first !== second) return ['value', first, second];
  return ['value', `${first} (${own.toString('hex')})`, `${second} (${its.toString('hex')})`];
}

/** The bytes of an object, without its type and children. */
function dataOf({ bytes, offset, sizeBytes }: MarshalNode): Buffer {
  return bytes.subarray(offset + 1, offset + sizeBytes);
}

function numberDifference(a: MarshalNode, b: MarshalNode, ignored: ReadonlySet<string>): OwnDifference | undefined {
  const others = numbersOf(b);
  for (const [i, [name, first]] of numbersOf(a).entries()) {
    const second = others[i]?.[1];
    if (first !== second && !ignored.has(name)) return [name, `${first}`, `${second}`];
  }
  return undefined;
}

/** The numbers of a code object: those before its objects, and its first line. */
function numbersOf(code: MarshalNode): [name: string, number: number][] {
  const { bytes, layout, offset } = code;
  const numbers = layout.numbers.map((name, i): [string, number] => [name, bytes.readInt32LE(offset + 1 + 4 * i)]);
  return [...numbers, ['first line', firstLineOf(code)]];
}
