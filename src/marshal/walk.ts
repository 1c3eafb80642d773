import type { CodeLayout } from '../pyc/releases.ts';
import { flagRef, isContainer, marshalType } from './types.ts';

/** What `walkMarshal` and those who build on it say of bytes that they do not read to the end. */
export interface UnreadableCode {
  readonly unreadable: string;
}

/** Why values with such references cannot be read. */
export const danglingReference = 'a reference to an object that does not exist';
export const selfContaining = 'an object that contains itself';

/** An object takes some hundred bytes of memory, and may stand for one. The largest pyc known has 105,772. */
export const maxObjects = 1_000_000;

/** CPython reads no deeper. @see MAX_MARSHAL_STACK_DEPTH */
const maxDepth = 2000;

/** In the place of a number of children: they end with a null. */
const untilNull = -1;

/**
 * Walks through a value, parents before their children, in the order of the bytes. Takes time and memory in proportion
 * to the bytes, whatever they are. As Python's own reader it does not care what follows the value.
 * @param visit told of each object where its type byte is, how many bytes it takes without its children, and how deep
 *   it lies; the null that ends a dict or a frozendict is an object too
 * @returns where the value ends, or why the bytes from `start` on begin with no whole value
 */
export function walkMarshal(
  bytes: Buffer,
  start: number,
  layout: CodeLayout,
  visit: (offset: number, sizeBytes: number, depth: number) => void,
): number | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length;
  /** How many children of each open object are to come, and how many of a code object's tail after those. */
  const due = new Int32Array(maxDepth + 1);
  const dueInTail = new Int32Array(maxDepth + 1);
  let depth = 0;
  let offset = start;
  due[0] = 1;
  for (;;) {
    while (due[depth] === 0) {
      if (dueInTail[depth] !== 0) {
        offset += 4;
        due[depth] = dueInTail[depth] as number;
        dueInTail[depth] = 0;
      } else if (depth > 0) depth -= 1;
      else return offset;
    }
    // Every object has a type byte; where a size follows, it takes one byte or four.
    if (offset >= end) return endsEarly;
    const typeByte = bytes[offset] as number;
    const type = typeByte & ~flagRef;
    let size = 1;
    let children = 0;
    switch (type) {
      case marshalType.null:
        if (due[depth] !== untilNull) return 'a null outside a dict';
        due[depth] = 1;
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
    if (due[depth] !== untilNull) (due[depth] as number) -= 1;
    if (children !== 0) {
      if (depth === maxDepth) return 'nested too deeply';
      depth += 1;
      due[depth] = children;
      dueInTail[depth] = type === marshalType.code ? layout.tail.length : 0;
    }
  }
}

const endsEarly = 'truncated';
