import type { CodeLayout } from '../pyc/releases.ts';
import { flagRef, isContainer, marshalType } from './types.ts';

/** Why `walkMarshal`, or code that uses it, cannot read bytes to the end. */
export interface UnreadableCode {
  readonly unreadable: string;
}

/** The message for values with invalid references. */
export const danglingReference = 'a reference to an object that does not exist';
export const selfContaining = 'an object that contains itself';

/** The limit for objects in memory, which take some hundred bytes each. The largest known pyc has 105,772. */
export const maxObjects = 1_000_000;

/** The limit of CPython. @see MAX_MARSHAL_STACK_DEPTH */
const maxDepth = 2000;

/** Instead of a number of children: a null ends them. */
const untilNull = -1;

/**
 * Walks through a value, parents before their children, in the order of the bytes. Takes time and memory in proportion
 * to the bytes. Like Python's reader, it ignores what follows the value.
 * @param visit called for each object with the offset of its type byte, its size without its children, and its depth;
 *   the null that ends a dict or a frozendict counts as an object
 * @returns where the value ends, or the reason why the bytes from `start` on do not begin with a complete value
 */
export function walkMarshal(
  bytes: Buffer,
  start: number,
  layout: CodeLayout,
  visit: (offset: number, sizeBytes: number, depth: number) => void,
): number | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length;
  /** Children still to read for each open object; for code objects also the fields after co_firstlineno. */
  const pending = new Int32Array(maxDepth + 1);
  const pendingInTail = new Int32Array(maxDepth + 1);
  let depth = 0;
  let offset = start;
  pending[0] = 1;
  for (;;) {
    while (pending[depth] === 0) {
      if (pendingInTail[depth] !== 0) {
        offset += 4;
        pending[depth] = pendingInTail[depth] as number;
        pendingInTail[depth] = 0;
      } else if (depth > 0) depth -= 1;
      else return offset;
    }
    // Every object has a type byte. If a size follows, it takes one byte or four.
    if (offset >= end) return endsEarly;
    const typeByte = bytes[offset] as number;
    const type = typeByte & ~flagRef;
    let size = 1;
    let children = 0;
    switch (type) {
      case marshalType.null:
        if (pending[depth] !== untilNull) return 'a null outside a dict';
        pending[depth] = 1;
        break;
      case marshalType.none:
      case marshalType.false:
      case marshalType.true:
      case marshalType.stopIteration:
      case marshalType.ellipsis:
        break;
      case marshalType.reference:
      case marshalType.int:
        size = 5;
        break;
      case marshalType.int64:
      case marshalType.binaryFloat:
        size = 9;
        break;
      case marshalType.binaryComplex:
        size = 17;
        break;
      case marshalType.shortAscii:
      case marshalType.shortAsciiInterned:
      case marshalType.float:
        if (offset + 2 > end) return endsEarly;
        size = 2 + (bytes[offset + 1] as number);
        break;
      case marshalType.complex: {
        if (offset + 2 > end) return endsEarly;
        const second = offset + 2 + (bytes[offset + 1] as number);
        if (second >= end) return endsEarly;
        size = second + 1 + (bytes[second] as number) - offset;
        break;
      }
      case marshalType.smallTuple:
        if (offset + 2 > end) return endsEarly;
        size = 2;
        children = bytes[offset + 1] as number;
        break;
      case marshalType.long:
      case marshalType.bytes:
      case marshalType.interned:
      case marshalType.unicode:
      case marshalType.ascii:
      case marshalType.asciiInterned:
      case marshalType.tuple:
      case marshalType.list:
      case marshalType.set:
      case marshalType.frozenset: {
        if (offset + 5 > end) return endsEarly;
        const length = view.getInt32(offset + 1, true);
        if (type === marshalType.long) size = 5 + 2 * Math.abs(length);
        else if (length < 0) return 'a negative size';
        else if (isContainer(type)) {
          size = 5;
          children = length;
        } else size = 5 + length;
        break;
      }
      case marshalType.dict:
      case marshalType.frozendict:
        children = untilNull;
        break;
      case marshalType.code:
        size = 1 + 4 * layout.numbers.length;
        children = layout.objects.length;
        break;
      case marshalType.slice:
        children = 3;
        break;
      default:
        return `an object of unknown type 0x${typeByte.toString(16)}`;
    }
    if (offset + size + Math.max(children, 0) > end) return endsEarly;
    visit(offset, size, depth);
    offset += size;
    if (pending[depth] !== untilNull) (pending[depth] as number) -= 1;
    if (children !== 0) {
      if (depth === maxDepth) return 'nested too deeply';
      depth += 1;
      pending[depth] = children;
      pendingInTail[depth] = type === marshalType.code ? layout.tail.length : 0;
    }
  }
}

const endsEarly = 'truncated';
