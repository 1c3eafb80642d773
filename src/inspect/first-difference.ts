import type { PycHeader } from '../pyc/header.ts';
import type { MarshalNode } from './tree.ts';
import { type Difference, differenceAt, type OwnDifference, ownValueDifference } from './value-difference.ts';
import { childPlace, inWords, kindOf, type ObjectPlace, rootPlace } from './words.ts';

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
 * The first difference in the code of two pycs of one interpreter, parents first; undefined if there is none. Flags,
 * references and interning count.
 */
export function firstDifference(one: MarshalNode, other: MarshalNode): Difference | undefined {
  const find = (a: MarshalNode, b: MarshalNode, place: ObjectPlace): Difference | undefined => {
    const own = ownDifference(a, b);
    if (own !== undefined) return differenceAt(place, own);
    for (const [i, child] of a.children.entries()) {
      const inner = find(child, b.children[i] as MarshalNode, childPlace(a, place, i));
      if (inner !== undefined) return inner;
    }
    return undefined;
  };
  return find(one, other, rootPlace(one));
}

/** The difference of two objects without their children. */
function ownDifference(a: MarshalNode, b: MarshalNode): OwnDifference | undefined {
  const [aRefers, bRefers] = [a.target !== a, b.target !== b];
  if (aRefers || bRefers) {
    const [first, second] = [inWords(a.target), inWords(b.target)];
    const [from, to] = [a.target.flag, b.target.flag];
    if (aRefers && bRefers) return from === to ? undefined : ['reference', `${from}: ${first}`, `${to}: ${second}`];
    if (first !== second) return ['value', first, second];
    const shared = (refers: boolean, number?: number) =>
      refers ? `the same object as number ${number}` : 'an object of its own';
    return ['sharing', shared(aRefers, from), shared(bRefers, to)];
  }
  const own = ownValueDifference(a, b);
  if (own !== undefined) return own;
  if (a.type !== b.type) return ['interning', kindOf(a.type), kindOf(b.type)];
  const [isSet, isSetNow] = [a.flag !== undefined, b.flag !== undefined];
  return isSet === isSetNow ? undefined : ['flag', isSet ? 'set' : 'not set', isSetNow ? 'set' : 'not set'];
}
