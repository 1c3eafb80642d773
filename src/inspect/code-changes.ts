import { getOrAdd } from '../get-or-add.ts';
import { marshalType } from '../marshal/types.ts';
import { normalTree, ofPlaces } from './code-difference.ts';
import { firstDifference } from './first-difference.ts';
import type { MarshalNode } from './tree.ts';
import { type Difference, valueComparison } from './value-difference.ts';
import { childPlace, type ObjectPlace, rootPlace } from './words.ts';

/** A code object that differs between two pycs: a function, a class body, or the module itself. */
export interface CodeChange {
  /** `<module>.Shop.pay` */
  readonly code: string;
  /** The first of its own values that differs; undefined if only one pyc has this code object. */
  readonly difference?: Difference;
  /** The pyc that has it. */
  readonly isIn: 'both' | 'first' | 'second';
}

/** How the normalized code of two pycs differs. Lines and paths are reported only if nothing else differs. */
export interface CodeChanges {
  readonly changes: readonly CodeChange[];
  readonly hasOtherLines: boolean;
  readonly hasOtherPath: boolean;
}

const lines: readonly string[] = ['first line', 'line table'];
const path = 'file name';

/**
 * Finds the code objects that differ. Code objects with the same name are compared in order.
 * @returns undefined if one of the pycs cannot be normalized, or is too large to compare
 */
export function codeChanges(one: Buffer, other: Buffer): CodeChanges | undefined {
  const [first, second] = [normalTree(one), normalTree(other)];
  if (first === undefined || second === undefined) return undefined;
  const changes = changesOf(first, second);
  const differs = (...but: readonly string[]) =>
    changes.length === 0 && valueComparison({ fields: new Set(but) })(first, second, rootPlace(first)) !== undefined;
  const [hasOtherLines, hasOtherPath] = [differs(path), differs(...lines)];
  if (changes.length > 0 || hasOtherLines || hasOtherPath) return { changes, hasOtherLines, hasOtherPath };
  // All values are equal, but different objects are shared.
  const difference = firstDifference(first, second);
  const code = difference?.place.split(': ', 1)[0] ?? '';
  return { changes: difference ? [{ code, difference, isIn: 'both' }] : [], hasOtherLines, hasOtherPath };
}

function changesOf(one: MarshalNode, other: MarshalNode): CodeChange[] {
  const [first, second] = [codeIn(one), codeIn(other)];
  const but = (fields: Iterable<string>) => valueComparison({ fields: new Set([...fields, path]), inner: true });
  const [butPlaces, butLines] = [but(ofPlaces), but(lines)];
  return Array.from(new Set([...first.keys(), ...second.keys()])).flatMap((code) => {
    const place: ObjectPlace = { code, inside: '', element: '' };
    const ofPair = (a: MarshalNode | undefined, b: MarshalNode | undefined): CodeChange[] => {
      if (a === undefined || b === undefined) return [{ code, isIn: b === undefined ? 'first' : 'second' }];
      const difference = butPlaces(a, b, place) ?? butLines(a, b, place);
      return difference === undefined ? [] : [{ code, difference, isIn: 'both' }];
    };
    const [ones, others] = [first.get(code) ?? [], second.get(code) ?? []];
    return Array.from({ length: Math.max(ones.length, others.length) }, (_, i) => ofPair(ones[i], others[i])).flat();
  });
}

/** The code objects of a pyc by name, in the order of the bytes. */
function codeIn(root: MarshalNode): Map<string, MarshalNode[]> {
  const found = new Map<string, MarshalNode[]>();
  const add = (node: MarshalNode, place: ObjectPlace): void => {
    if (node.type === marshalType.code) getOrAdd(found, place.code, () => []).push(node);
    for (const [i, child] of node.children.entries()) add(child, childPlace(node, place, i));
  };
  add(root, rootPlace(root));
  return found;
}
