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

/** How deeply objects may be nested in a frozenset once references are followed. */
const maxDepthInFrozenset = 200;

/** Limit on the expanded text of all frozensets, as a multiple of the size of the input. */
const maxExpansion = 8;

/** The value has no normal form because writing it would take too much time or space. */
export class TooLarge extends Error {}

/** Stands for "no object" and "no flag number". */
export const nothing = -1;

/**
 * Reads a marshalled value into distinct objects: equal immutable objects become one, strings that look like names
 * become interned strings, and the elements of frozensets are sorted. One reader serves all values in turn and reuses
 * its memory.
 */
export class ObjectReader {
  readonly objects = new DistinctObjects();
  /** For each code object, the offset of its first line number, which lies between two of its children. */
  readonly firstLines = new Numbers();
  /** Objects still being read, each nested in the one before: type, offset, size. */
  readonly #openTypes = new Numbers();
  readonly #openOffsets = new Numbers();
  readonly #openSizes = new Numbers();
  /** For each open object, its flag number and the position of its first child on the stack. */
  readonly #openFlags = new Numbers();
  readonly #openChildren = new Numbers();
  /** Finished children of the open objects, and their offsets. */
  readonly #stack = new Numbers();
  readonly #stackOffsets = new Numbers();
  /** Flag number to object. */
  readonly #flagged = new Numbers();
  #bytes: Buffer = Buffer.alloc(0);
  #view = viewOf(this.#bytes);
  /** A code object's first line number is stored after this many of its child objects, before the others. */
  #codeObjects = 0;
  #unreadable: string | undefined;
  /** What the bytes show at once of not being in normal form. */
  #isOtherwise = false;
  /** How many more bytes of frozensets may be expanded. */
  #budget = 0;

  /**
   * The number of the outermost object. `objects` and `firstLines` describe it until the next call.
   * @throws TooLarge
   */
  read(bytes: Buffer, start: number, layout: CodeLayout): { readonly root: number } | Unreadable {
    this.#begin(bytes, layout.objects.length);
    const unreadable = walkMarshal(bytes, start, layout, this.#see) ?? this.#unreadable;
    if (unreadable !== undefined) return { unreadable };
    this.#close(0);
    return { root: this.#stack.at(0) };
  }

  /**
   * Whether the bytes that were read are in normal form: nothing equal was written twice, strings and frozensets are as
   * they should be, and what has FLAG_REF is what something refers to.
   */
  isNormal(): boolean {
    const { types, offsets, uses } = this.objects;
    if (this.#isOtherwise) return false;
    for (let object = 0; object < types.length; object++) {
      const isFlagged = (this.#bytes[offsets.at(object)] as number) >= flagRef;
      if (isFlagged !== (uses.at(object) > 1 && !isSingleton(types.at(object)))) return false;
    }
    return true;
  }

  #begin(bytes: Buffer, codeObjects: number): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#codeObjects = codeObjects;
    this.objects.begin(bytes);
    for (const list of [this.#openTypes, this.#openOffsets, this.#openSizes, this.#openFlags]) list.clear();
    for (const list of [this.#openChildren, this.#stack, this.#stackOffsets, this.#flagged]) list.clear();
    this.firstLines.clear();
    this.#unreadable = undefined;
    this.#isOtherwise = false;
    this.#budget = maxExpansion * bytes.length;
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
      const distinct = this.objects.types.length;
      const object = this.objects.merged(normal, offset, sizeBytes, this.#stack, this.#stack.length);
      if (normal !== type || (object < distinct && !isSingleton(type))) this.#isOtherwise = true;
      if (typeByte !== type) this.#flagged.push(object);
      this.#push(object, offset);
    }
  };

  #push(object: number, offset: number): void {
    this.#stack.push(object);
    this.#stackOffsets.push(offset);
  }

  /** The object a reference points to. An invalid reference is noted, and any object returned in its place. */
  #target(offset: number): number {
    const flag = this.#view.getUint32(offset + 1, true);
    const target = flag < this.#flagged.length ? this.#flagged.at(flag) : undefined;
    if (target !== undefined && target !== nothing) return target;
    this.#unreadable ??= target === undefined ? danglingReference : selfContaining;
    return this.objects.merged(marshalType.none, offset, 1, this.#stack, this.#stack.length);
  }

  /** Finishes the open objects at this depth and deeper. */
  #close(depth: number): void {
    while (this.#openTypes.length > depth) {
      const type = this.#openTypes.pop();
      const offset = this.#openOffsets.pop();
      const sizeBytes = this.#openSizes.pop();
      const flag = this.#openFlags.pop();
      const from = this.#openChildren.pop();
      if (type === marshalType.frozenset) this.#sort(from);
      const distinct = this.objects.types.length;
      const object = isImmutableContainer(type)
        ? this.objects.merged(type, offset, sizeBytes, this.#stack, from)
        : this.objects.apart(type, offset, sizeBytes, this.#stack, from);
      if (object < distinct) this.#isOtherwise = true;
      if (type === marshalType.code) this.firstLines.put(object, this.#stackOffsets.at(from + this.#codeObjects) - 4);
      if (flag !== nothing) this.#flagged.set(flag, object);
      this.#stack.truncate(from);
      this.#stackOffsets.truncate(from);
      this.#push(object, offset);
    }
  }

  /** Sorts the elements of a frozenset: the part of the stack from `from` on. */
  #sort(from: number): void {
    const elements = Array.from({ length: this.#stack.length - from }, (_, i) => {
      const object = this.#stack.at(from + i);
      return { object, text: this.#text(object, 0) };
    });
    elements.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
    for (const [i, { object }] of elements.entries()) {
      if (this.#stack.at(from + i) !== object) this.#isOtherwise = true;
      this.#stack.set(from + i, object);
    }
  }

  /** An object and everything in it as text, one character per byte, without references: the sort key. */
  #text(object: number, depth: number): string {
    const type = this.objects.types.at(object);
    const offset = this.objects.offsets.at(object);
    const sizeBytes = this.objects.sizes.at(object);
    this.#budget -= sizeBytes;
    if (depth > maxDepthInFrozenset) throw new TooLarge('nested too deep in a frozenset');
    if (this.#budget < 0) throw new TooLarge('frozensets of frozensets without end');
    const own = this.#bytes.toString('latin1', offset + 1, offset + sizeBytes);
    const line = type === marshalType.code ? this.firstLines.at(object) : 0;
    const firstLine = line === 0 ? '' : this.#bytes.toString('latin1', line, line + 4);
    const parts = Array.from({ length: this.objects.childCount(object) }, (_, i) =>
      this.#text(this.objects.child(object, i), depth + 1),
    );
    return String.fromCharCode(type | flagRef) + own + firstLine + parts.join('');
  }
}

export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
