import {
  codeLayoutOf,
  flagRef,
  isInterned,
  isNameText,
  isString,
  marshalType,
  stringType,
  type Unreadable,
  walkMarshal,
} from './marshal.ts';
import { danglingReference } from './marshal-tree.ts';
import { encodeNormal } from './normal-marshal.ts';
import { headerSizeBytes, parsePycHeader } from './pyc-header.ts';

/**
 * The pyc without what the history of its interpreter left in it: the same source gives the same bytes then, whatever
 * else the process compiled before. The code equals the old one.
 * @returns the pyc itself if it is in normal form already; a reason if it is not a whole pyc of a known interpreter
 */
export function normalizePyc(pyc: Buffer): Buffer | Unreadable {
  const header = parsePycHeader(pyc);
  if ('unreadable' in header) return header;
  const layout = codeLayoutOf(header.magicNumber);
  if (layout === undefined) return { unreadable: `magic number ${header.magicNumber} is not known` };
  const start = headerSizeBytes(header.magicNumber);
  const flagged: number[] = [];
  const references: Reference[] = [];
  /** Where strings are that are interned and need not be. */
  const interned: number[] = [];
  const texts = new Set<number>();
  let isSharingInDoubt = false;
  const reason = walkMarshal(pyc, start, layout, (offset, sizeBytes) => {
    const typeByte = pyc[offset] as number;
    const type = typeByte & ~flagRef;
    if (type === marshalType.reference) references.push({ place: offset + 1, earlier: flagged.length });
    else if (typeByte !== type) flagged.push(offset);
    if (type === marshalType.frozenset) isSharingInDoubt = true;
    if (isSharingInDoubt || !isString(type)) return;
    if (isNameText(pyc, offset, sizeBytes)) {
      // Interned strings are shared in every case.
      isSharingInDoubt = !isInterned(type);
      return;
    }
    if (isInterned(type)) interned.push(offset);
    const hash = hashOf(pyc, offset, sizeBytes);
    isSharingInDoubt = texts.has(hash);
    texts.add(hash);
  });
  if (reason !== undefined) return { unreadable: reason };
  if (!isSharingInDoubt) return withNeededFlags(pyc, flagged, references, interned);
  const normal = encodeNormal(pyc, start, layout);
  return Buffer.isBuffer(normal) && normal.equals(pyc) ? pyc : normal;
}

/** A number that is the same for equal strings, and mostly another for others. */
function hashOf(pyc: Buffer, offset: number, sizeBytes: number): number {
  const end = offset + sizeBytes;
  let hash = sizeBytes;
  for (let i = Math.max(offset + 1, end - 64); i < end; i++) hash = Math.imul(hash ^ (pyc[i] as number), 0x01000193);
  return hash;
}

/** Where the number of a reference is, and how many flagged objects come before it. */
interface Reference {
  readonly place: number;
  readonly earlier: number;
}

/**
 * marshal flags an object that anything in the process refers to at that moment, not only the pyc itself. The flags
 * that no reference of the pyc needs are cleared, and the references are numbered anew. No byte moves.
 * @see w_ref in Python/marshal.c
 */
function withNeededFlags(
  pyc: Buffer,
  flagged: readonly number[],
  references: readonly Reference[],
  interned: readonly number[],
): Buffer | Unreadable {
  const isNeeded = new Uint8Array(flagged.length);
  for (const { place, earlier } of references) {
    const index = pyc.readUInt32LE(place);
    if (index >= earlier) return { unreadable: danglingReference };
    isNeeded[index] = 1;
  }
  if (!isNeeded.includes(0) && interned.length === 0) return pyc;
  const content = Buffer.from(pyc);
  for (const offset of interned) {
    const typeByte = pyc[offset] as number;
    content[offset] = stringType(typeByte & ~flagRef, false) | (typeByte & flagRef);
  }
  const newIndex = new Uint32Array(flagged.length);
  let next = 0;
  for (const [index, offset] of flagged.entries()) {
    newIndex[index] = next;
    if (isNeeded[index]) next += 1;
    else content[offset] = (content[offset] as number) & ~flagRef;
  }
  for (const { place } of references) content.writeUInt32LE(newIndex[pyc.readUInt32LE(place)] as number, place);
  return content;
}
