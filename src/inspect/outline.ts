import { marshalType } from '../marshal/types.ts';
import type { MarshalNode } from './tree.ts';
import { childPlace, firstLineOf, kindOf, type ObjectPlace, rootPlace, valueText } from './words.ts';

/** An object of a pyc, as it is stored. */
export interface OutlinedObject {
  readonly offset: number;
  readonly depth: number;
  /** Its place in the code object, such as `constant 3`; for a code object, its name. */
  readonly place: string;
  readonly kind: string;
  readonly value?: string;
  /** Its number among the flagged objects, which references use. */
  readonly flag?: number;
  /** For a reference: the number of its target. Kind and value are those of the target. */
  readonly refersTo?: number;
}

/** The objects of a pyc in the order of its bytes, parents before children. */
export function outlineOf(root: MarshalNode): OutlinedObject[] {
  const outline: OutlinedObject[] = [];
  const add = (node: MarshalNode, place: ObjectPlace, depth: number) => {
    const { offset, flag, target } = node;
    const value = target.type === marshalType.code ? `line ${firstLineOf(target)}` : valueText(target);
    outline.push({
      offset,
      depth,
      place: place.inside === '' ? place.code : place.inside,
      kind: kindOf(target.type),
      ...(value === undefined ? {} : { value }),
      ...(flag === undefined ? {} : { flag }),
      ...(target === node || target.flag === undefined ? {} : { refersTo: target.flag }),
    });
    for (const [i, child] of node.children.entries()) add(child, childPlace(node, place, i), depth + 1);
  };
  add(root, rootPlace(root), 0);
  return outline;
}
