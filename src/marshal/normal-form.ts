import type { CodeLayout } from '../pyc/releases.ts';
import { DistinctObjects } from './distinct-objects.ts';
import { Numbers } from './numbers.ts';
import { danglingReference, selfContaining } from './tree.ts';
import {
  flagRef,
  isContainer,
  isImmutableContainer,
  isNameText,
  isSingleton,
  isString,
  marshalType,
  stringType,
} from './types.ts';
import { type Unreadable, walkMarshal } from './walk.ts';

/** How deep objects may lie in each other once their references are followed. */
const maxDepth = 2000;

/** The same within a frozenset, whose elements are written out from every depth. */
const maxDepthInFrozenset = 200;

/** How many times the size of the whole the frozensets in it may have, written out with what they refer to. */
const maxExpansion = 8;

/**
 * Encodes a marshalled value anew, in normal form:
 * - equal objects are one object, but for code objects and those that can be changed;
 * - a string is interned if it looks like a name: others are interned when the code is loaded;
 * - the elements of a frozenset are sorted by their bytes;
 * - an object has a flag if something refers to it.
 * All of this hangs on the history of the process otherwise, and on what was compiled in one go.
 * @param allocate gives room for the result
 * @see intern_constants in Objects/codeobject.c, merge_const_one in Python/compile.c, w_ref and w_complex_object in
 *   Python/marshal.c
 */
export function encodeNormal(
  bytes: Buffer,
  start: number,
  layout: CodeLayout,
  allocate: (sizeBytes: number) => Buffer = Buffer.allocUnsafe,
): Buffer | Unreadable {
  encoder ??= new NormalEncoder();
  const encoded = encoder.encoded(bytes, start, layout);
  if ('unreadable' in encoded) return encoded;
  if (encoded.equals(bytes)) return bytes;
  const normal = allocate(encoded.length);
  encoded.copy(normal);
  return normal;
}

/** For all values, one after the other: it keeps its room. */
let encoder: NormalEncoder | undefined;

class TooLarge extends Error {}

/** In the place of a number that there is not: of an object not read to its end, not written yet, or without a flag. */
const nothing = -1;

class NormalEncoder {
  readonly #objects = new DistinctObjects();
  /** The objects that are not read to their end, each in the one before: type, offset, size. */
  readonly #openTypes = new Numbers();
  readonly #openOffsets = new Numbers();
  readonly #openSizes = new Numbers();
  /** For each of them the number of its flag, and where its children begin on the stack. */
  readonly #openFlags = new Numbers();
  readonly #openChildren = new Numbers();
  /** The children of the open objects that were read, and where each was. */
  readonly #stack = new Numbers();
  readonly #stackOffsets = new Numbers();
  /** The objects that the flags stand for. */
  readonly #flagged = new Numbers();
  /** Of each code object, where the number of its first line is: in the midst of it, before its tail. */
  readonly #firstLines = new Numbers();
  /** The number of each object among the flagged ones, once it is written. */
  readonly #written = new Numbers();
  #flags = 0;
  #bytes: Buffer = Buffer.alloc(0);
  /** How many objects a code object has before the number of its first line. */
  #codeObjects = 0;
  #unreadable: string | undefined;
  #budget = 0;
  #view = viewOf(this.#bytes);
  #out: Buffer = Buffer.alloc(0);
  #outView = viewOf(this.#out);
  #size = 0;

  /** The normal form, which is there until the next one. */
  encoded(bytes: Buffer, start: number, layout: CodeLayout): Buffer | Unreadable {
    this.#begin(bytes, layout.objects.length);
    try {
      const reason = walkMarshal(bytes, start, layout, this.#see);
      if (reason !== undefined) return { unreadable: reason };
      if (this.#unreadable !== undefined) return { unreadable: this.#unreadable };
      this.#close(0);
      for (let i = 0; i < this.#objects.types.length; i++) this.#written.push(nothing);
      this.#size = bytes.copy(this.#out, 0, 0, start);
      this.#write(this.#stack.at(0), 0);
    } catch (error) {
      if (error instanceof TooLarge) return { unreadable: error.message };
      throw error;
    }
    return this.#out.subarray(0, this.#size);
  }

  #begin(bytes: Buffer, codeObjects: number): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#codeObjects = codeObjects;
    this.#objects.begin(bytes);
    for (const list of [this.#openTypes, this.#openOffsets, this.#openSizes, this.#openFlags]) list.clear();
    for (const list of [this.#openChildren, this.#stack, this.#stackOffsets, this.#flagged]) list.clear();
    for (const list of [this.#firstLines, this.#written]) list.clear();
    this.#unreadable = undefined;
    this.#flags = 0;
    this.#budget = maxExpansion * bytes.length;
    // An empty tuple of two bytes may become a reference of five.
    if (this.#out.length < 3 * bytes.length) {
      this.#out = Buffer.allocUnsafeSlow(4 * bytes.length);
      this.#outView = viewOf(this.#out);
    }
  }

  readonly #see = (offset: number, sizeBytes: number, depth: number): void => {
    if (this.#openTypes.length > depth) this.#close(depth);
    const typeByte = this.#bytes[offset] as number;
    const type = typeByte & ~flagRef;
    if (type === marshalType.reference) {
      this.#push(this.#target(offset), offset);
    } else if (type === marshalType.code || isContainer(type)) {
      this.#openTypes.push(type);
      this.#openOffsets.push(offset);
      this.#openSizes.push(sizeBytes);
      this.#openChildren.push(this.#stack.length);
      this.#openFlags.push(typeByte === type ? nothing : this.#flagged.length);
      if (typeByte !== type) this.#flagged.push(nothing);
    } else {
      const normal = isString(type) ? stringType(type, isNameText(this.#bytes, offset, sizeBytes)) : type;
      const object = this.#objects.merged(normal, offset, sizeBytes, this.#stack, this.#stack.length);
      if (typeByte !== type) this.#flagged.push(object);
      this.#push(object, offset);
    }
  };

  #push(object: number, offset: number): void {
    this.#stack.push(object);
    this.#stackOffsets.push(offset);
  }

  /** What a reference refers to. If that is nothing, any object: what comes of it is not used. */
  #target(offset: number): number {
    const flag = this.#view.getUint32(offset + 1, true);
    const target = flag < this.#flagged.length ? this.#flagged.at(flag) : undefined;
    if (target !== undefined && target !== nothing) return target;
    this.#unreadable ??= target === undefined ? danglingReference : selfContaining;
    return this.#objects.merged(marshalType.none, offset, 1, this.#stack, this.#stack.length);
  }

  /** Finishes the objects that lie at a depth or below. */
  #close(depth: number): void {
    while (this.#openTypes.length > depth) {
      const type = this.#openTypes.pop();
      const offset = this.#openOffsets.pop();
      const sizeBytes = this.#openSizes.pop();
      const flag = this.#openFlags.pop();
      const from = this.#openChildren.pop();
      if (type === marshalType.frozenset) this.#sort(from);
      const object = isImmutableContainer(type)
        ? this.#objects.merged(type, offset, sizeBytes, this.#stack, from)
        : this.#objects.apart(type, offset, sizeBytes, this.#stack, from);
      if (type === marshalType.code) this.#firstLines.put(object, this.#stackOffsets.at(from + this.#codeObjects) - 4);
      if (flag !== nothing) this.#flagged.set(flag, object);
      this.#stack.truncate(from);
      this.#stackOffsets.truncate(from);
      this.#push(object, offset);
    }
  }

  /** Sorts the elements of a frozenset, which lie on the stack from here on. */
  #sort(from: number): void {
    const elements = Array.from({ length: this.#stack.length - from }, (_, i) => {
      const object = this.#stack.at(from + i);
      return { object, text: this.#text(object, 0) };
    });
    elements.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
    for (const [i, { object }] of elements.entries()) this.#stack.set(from + i, object);
  }

  /** An object written out with all that it refers to, a character a byte; as if everything had a flag. */
  #text(object: number, depth: number): string {
    const type = this.#objects.types.at(object);
    const offset = this.#objects.offsets.at(object);
    const sizeBytes = this.#objects.sizes.at(object);
    this.#budget -= sizeBytes;
    if (depth > maxDepthInFrozenset) throw new TooLarge('nested too deep in a frozenset');
    if (this.#budget < 0) throw new TooLarge('frozensets of frozensets without end');
    const own = this.#bytes.toString('latin1', offset + 1, offset + sizeBytes);
    const line = type === marshalType.code ? this.#firstLines.at(object) : 0;
    const firstLine = line === 0 ? '' : this.#bytes.toString('latin1', line, line + 4);
    const parts = Array.from({ length: this.#objects.childCount(object) }, (_, i) =>
      this.#text(this.#objects.child(object, i), depth + 1),
    );
    return String.fromCharCode(type | flagRef) + own + firstLine + parts.join('');
  }

  /** Writes an object, or a reference to it if it is written already. */
  #write(object: number, depth: number): void {
    const flag = this.#written.at(object);
    if (flag !== nothing) {
      this.#out[this.#size] = marshalType.reference;
      this.#outView.setInt32(this.#size + 1, flag, true);
      this.#size += 5;
      return;
    }
    if (depth > maxDepth) throw new TooLarge('nested too deep');
    const type = this.#objects.types.at(object);
    const offset = this.#objects.offsets.at(object);
    const isReferred = this.#objects.uses.at(object) > 1 && !isSingleton(type);
    if (isReferred) this.#written.set(object, this.#flags++);
    this.#out[this.#size++] = isReferred ? type | flagRef : type;
    this.#copy(offset + 1, offset + this.#objects.sizes.at(object));
    const children = this.#objects.childCount(object);
    for (let i = 0; i < children; i++) {
      if (i === this.#codeObjects && type === marshalType.code) {
        const line = this.#firstLines.at(object);
        this.#copy(line, line + 4);
      }
      this.#write(this.#objects.child(object, i), depth + 1);
    }
  }

  #copy(start: number, end: number): void {
    if (end - start > 256) {
      this.#size += this.#bytes.copy(this.#out, this.#size, start, end);
      return;
    }
    let at = start;
    for (; at + 4 <= end; at += 4) {
      this.#outView.setInt32(this.#size, this.#view.getInt32(at));
      this.#size += 4;
    }
    for (; at < end; at++) this.#out[this.#size++] = this.#bytes[at] as number;
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
