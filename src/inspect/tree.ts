import { unknownMagicNumber } from '../marshal/normalize-pyc.ts';
import { flagRef, isNumbered, marshalType } from '../marshal/types.ts';
import { danglingReference, maxObjects, selfContaining, type UnreadableCode, walkMarshal } from '../marshal/walk.ts';
import { type CodeLayout, codeLayoutOf, releaseOf } from '../pyc/releases.ts';

/** An object of a marshalled value. */
export interface MarshalNode {
  /** What it is stored in. */
  readonly bytes: Buffer;
  readonly layout: CodeLayout;
  /** The type without FLAG_REF. */
  readonly type: number;
  /** Its number among the flagged objects, which references use; undefined if it is not flagged. */
  readonly flag: number | undefined;
  /** The offset of its type byte. */
  readonly offset: number;
  /** The size of the type byte and its data, without the children. */
  readonly sizeBytes: number;
  readonly children: readonly MarshalNode[];
  /** The target of a reference; any other object is its own target. */
  readonly target: MarshalNode;
}

type GrowingNode = { -readonly [K in keyof MarshalNode]: MarshalNode[K] } & { children: MarshalNode[] };

/** Shared by objects without children, which are the most. */
const none: MarshalNode[] = [];

/** Reads the code of a pyc whose header is complete. */
export function readPycTree(pyc: Buffer, magicNumber: number): MarshalNode | UnreadableCode {
  const layout = codeLayoutOf(magicNumber);
  if (layout === undefined) return { unreadable: unknownMagicNumber(magicNumber) };
  return readMarshalTree(pyc, releaseOf(magicNumber).headerSizeBytes, layout);
}

/** Reads a marshalled value with resolved references. No object contains itself. */
export function readMarshalTree(bytes: Buffer, start: number, layout: CodeLayout): MarshalNode | UnreadableCode {
  /** The last object at each depth. */
  const open: GrowingNode[] = [];
  const flagged: { readonly node: GrowingNode; readonly depth: number }[] = [];
  let wrong: string | undefined;
  let count = 0;
  const end = walkMarshal(bytes, start, layout, (offset, sizeBytes, depth) => {
    count += 1;
    if (count > maxObjects) return;
    const typeByte = bytes[offset] as number;
    const type = typeByte & ~flagRef;
    const flag = isNumbered(typeByte) ? flagged.length : undefined;
    const node = { bytes, layout, type, flag, offset, sizeBytes, children: none } as unknown as GrowingNode;
    node.target = node;
    if (type === marshalType.reference) {
      const referred = flagged[bytes.readUInt32LE(offset + 1)];
      if (referred === undefined) wrong ??= danglingReference;
      else if (referred.depth < depth && open[referred.depth] === referred.node) wrong ??= selfContaining;
      else node.target = referred.node;
    } else if (flag !== undefined) flagged.push({ node, depth });
    open[depth] = node;
    const parent = depth > 0 ? open[depth - 1] : undefined;
    if (parent === undefined) return;
    if (parent.children === none) parent.children = [node];
    else parent.children.push(node);
  });
  if (typeof end === 'string') return { unreadable: end };
  if (count > maxObjects) return { unreadable: `it has too many objects to show (${count})` };
  if (wrong !== undefined) return { unreadable: wrong };
  return open[0] as MarshalNode;
}
