import { unknownMagicNumber } from '../marshal/normalize-pyc.ts';
import { marshalType } from '../marshal/types.ts';
import type { UnreadableCode } from '../marshal/walk.ts';
import { type CodeLayout, codeLayoutOf, releaseOf } from '../pyc/releases.ts';
import { type MarshalNode, readMarshalTree } from './tree.ts';
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

/** The code of a pyc with resolved references, and what is needed to read it. */
export interface PycTree {
  readonly bytes: Buffer;
  readonly root: MarshalNode;
  readonly layout: CodeLayout;
}

/** Reads the code of a pyc whose header is complete. */
export function readPycTree(pyc: Buffer, magicNumber: number): PycTree | UnreadableCode {
  const layout = codeLayoutOf(magicNumber);
  if (layout === undefined) return { unreadable: unknownMagicNumber(magicNumber) };
  const root = readMarshalTree(pyc, releaseOf(magicNumber).headerSizeBytes, layout);
  return 'unreadable' in root ? root : { bytes: pyc, root, layout };
}

/** The objects of a pyc in the order of its bytes, parents before children. */
export function outlineOf({ bytes, root, layout }: PycTree): OutlinedObject[] {
  const outline: OutlinedObject[] = [];
  const numbers = new Map<MarshalNode, number>();
  const add = (node: MarshalNode, place: ObjectPlace, depth: number) => {
    if (node.isFlagged) numbers.set(node, numbers.size);
    const [flag, refersTo] = [numbers.get(node), node.target === node ? undefined : numbers.get(node.target)];
    const { type } = node.target;
    const value =
      type === marshalType.code ? `line ${firstLineOf(bytes, node.target, layout)}` : valueText(bytes, node.target);
    outline.push({
      offset: node.offset,
      depth,
      place: place.inside === '' ? place.code : place.inside,
      kind: kindOf(type),
      ...(value === undefined ? {} : { value }),
      ...(flag === undefined ? {} : { flag }),
      ...(refersTo === undefined ? {} : { refersTo }),
    });
    for (const [i, child] of node.children.entries()) add(child, childPlace(bytes, node, place, i, layout), depth + 1);
  };
  add(root, rootPlace(bytes, root, layout), 0);
  return outline;
}
