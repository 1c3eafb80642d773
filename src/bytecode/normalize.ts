import { codeLayoutOf } from './code-layout.ts';
import { type Unreadable, walkMarshal } from './marshal.ts';
import { danglingReference } from './marshal-tree.ts';
import { flagRef, isInterned, isNameText, isString, marshalType, stringType } from './marshal-types.ts';
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
  const found = new Found(pyc);
  const reason = walkMarshal(pyc, start, layout, (offset, sizeBytes) => found.see(offset, sizeBytes));
  if (reason !== undefined) return { unreadable: reason };
  if (found.hasDanglingReference) return { unreadable: danglingReference };
  if (!found.isInDoubt) return rewritten(pyc, found);
  const normal = encodeNormal(pyc, start, layout);
  return Buffer.isBuffer(normal) && normal.equals(pyc) ? pyc : normal;
}

/** A reference that is there, or that takes the place of a string which is there once already. */
interface Reference {
  readonly offset: number;
  /** What it takes in the old bytes. */
  readonly sizeBytes: number;
  /** Where the object is that it refers to. */
  readonly target: number;
}

/**
 * What in a pyc has to do with its normal form; everything in the order of the bytes. Most pycs can be brought into it
 * from here; frozensets need the whole tree of objects.
 */
class Found {
  isInDoubt = false;
  hasDanglingReference = false;
  /** Objects with a flag. */
  readonly flagged: number[] = [];
  /** Objects without one that need it: the first of equal strings. */
  readonly unflagged: number[] = [];
  readonly references: Reference[] = [];
  /** How many of them are strings now. */
  repeated = 0;
  /** Strings that are interned and need not be. */
  readonly interned: number[] = [];
  readonly #pyc: Buffer;
  /** What each flag stands for: its object, or an equal one before it. */
  readonly #targets: number[] = [];
  /** Where strings are that do not look like names, by a hash. Those that do are interned, each once. */
  readonly #texts = new Map<number, number>();

  constructor(pyc: Buffer) {
    this.#pyc = pyc;
  }

  see(offset: number, sizeBytes: number): void {
    const typeByte = this.#pyc[offset] as number;
    const type = typeByte & ~flagRef;
    if (type === marshalType.reference) {
      const target = this.#targets[this.#pyc.readUInt32LE(offset + 1)];
      if (target === undefined) this.hasDanglingReference = true;
      else this.references.push({ offset, sizeBytes, target });
      return;
    }
    const isFlagged = typeByte !== type;
    const target = isString(type) ? this.#seeString(type, offset, sizeBytes) : offset;
    if (isFlagged) this.#targets.push(target);
    if (isFlagged && target === offset) this.flagged.push(offset);
    if (type === marshalType.frozenset) this.isInDoubt = true;
  }

  /** @returns where the first of the equal strings is */
  #seeString(type: number, offset: number, sizeBytes: number): number {
    const pyc = this.#pyc;
    if (isNameText(pyc, offset, sizeBytes)) {
      if (!isInterned(type)) this.isInDoubt = true;
      return offset;
    }
    const hash = hashOf(pyc, offset, sizeBytes);
    const first = this.#texts.get(hash);
    if (first === undefined) {
      this.#texts.set(hash, offset);
      if (isInterned(type)) this.interned.push(offset);
      return offset;
    }
    const firstByte = pyc[first] as number;
    const isSameType = stringType(firstByte & ~flagRef, false) === stringType(type, false);
    const isEqual = pyc.compare(pyc, first + 1, first + sizeBytes, offset + 1, offset + sizeBytes) === 0;
    if (!isSameType || !isEqual) {
      // Two strings with one hash.
      this.isInDoubt = true;
      return offset;
    }
    this.references.push({ offset, sizeBytes, target: first });
    this.repeated += 1;
    if ((firstByte & flagRef) === 0) this.unflagged.push(first);
    return first;
  }
}

/** A number that is the same for equal strings, and mostly another for others. */
function hashOf(pyc: Buffer, offset: number, sizeBytes: number): number {
  const end = offset + sizeBytes;
  let hash = sizeBytes;
  for (let i = Math.max(offset + 1, end - 64); i < end; i++) hash = Math.imul(hash ^ (pyc[i] as number), 0x01000193);
  return hash;
}

/**
 * The pyc with references in the place of repeated strings, and with the flags that references need: marshal flags an
 * object that anything in the process refers to at that moment, not only the pyc itself.
 * @see w_ref in Python/marshal.c
 */
function rewritten(pyc: Buffer, { flagged, unflagged, references, repeated, interned }: Found): Buffer {
  /** By where an object is: 1 if a reference leads there, then its number, from 1. */
  const numbers = new Uint32Array(pyc.length);
  for (const { target } of references) numbers[target] = 1;
  const isNormal = repeated === 0 && interned.length === 0 && flagged.every((offset) => numbers[offset] === 1);
  if (isNormal) return pyc;

  const content = Buffer.from(pyc);
  for (const offset of interned) {
    const typeByte = pyc[offset] as number;
    content[offset] = stringType(typeByte & ~flagRef, false) | (typeByte & flagRef);
  }
  for (const offset of unflagged) content[offset] = (content[offset] as number) | flagRef;
  let next = 1;
  for (const offset of inOrder(flagged, unflagged)) {
    if (numbers[offset] === 0) content[offset] = (content[offset] as number) & ~flagRef;
    else numbers[offset] = next++;
  }
  const numberOf = ({ target }: Reference) => (numbers[target] as number) - 1;
  for (const reference of references) {
    if (pyc[reference.offset] === marshalType.reference)
      content.writeUInt32LE(numberOf(reference), reference.offset + 1);
  }
  if (repeated === 0) return content;

  const pieces: Buffer[] = [];
  let done = 0;
  for (const reference of references) {
    const { offset, sizeBytes } = reference;
    if (pyc[offset] === marshalType.reference) continue;
    const short = Buffer.from([marshalType.reference, 0, 0, 0, 0]);
    short.writeUInt32LE(numberOf(reference), 1);
    pieces.push(content.subarray(done, offset), short);
    done = offset + sizeBytes;
  }
  return Buffer.concat([...pieces, content.subarray(done)]);
}

function inOrder(flagged: readonly number[], unflagged: readonly number[]): readonly number[] {
  return unflagged.length === 0 ? flagged : [...new Set([...flagged, ...unflagged])].sort((a, b) => a - b);
}
