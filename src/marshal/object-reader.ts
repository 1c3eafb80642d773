import type { CodeLayout } from '../pyc/releases.ts';
import { DistinctObjects } from './distinct-objects.ts';
import { FrozensetOrder } from './frozenset-order.ts';
import { Numbers } from './numbers.ts';
import {
  flagRef,
  isContainer,
  isImmutableContainer,
  isNameText,
  isNumbered,
  isSingleton,
  isString,
  marshalType,
  stringType,
} from './types.ts';
import { danglingReference, selfContaining, type UnreadableCode, walkMarshal } from './walk.ts';

/** Stands for "no object" and "no flag number". */
export const nothing = -1;

/**
 * Reads a marshalled value into distinct objects. What is one object stays one, and two equal ones stay two, except:
 * - strings: those that look like names become interned strings, and equal ones become one where they are one to the
 *   compiler too;
 * - frozensets with the same elements, which are sorted;
 * - the fields of code objects, other than the constants in them.
 * One reader serves all values in turn and reuses its memory.
 */
export class ObjectReader {
  readonly objects = new DistinctObjects();
  /** For each code object, the offset of its first line number, which is between two of its children. */
  readonly firstLines = new Numbers();
  readonly #order = new FrozensetOrder(this.objects, this.firstLines);
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
  #sharesStrings = false;
  #unreadable: string | undefined;
  /** Whether reading the bytes has shown that they are not normalized. */
  #isOtherwise = false;

  /**
   * The number of the outermost object. `objects` and `firstLines` describe it until the next call.
   * @throws TooLarge
   */
  read(bytes: Buffer, start: number, layout: CodeLayout): { readonly root: number } | UnreadableCode {
    this.#begin(bytes, layout);
    const end = walkMarshal(bytes, start, layout, this.#see);
    if (typeof end === 'string') return { unreadable: end };
    if (this.#unreadable !== undefined) return { unreadable: this.#unreadable };
    if (end !== bytes.length) this.#isOtherwise = true;
    this.#close(0);
    return { root: this.#stack.at(0) };
  }

  /** Whether the order in a frozenset may change when the value is written. @see FrozensetOrder.hasTies */
  get hasTies(): boolean {
    return this.#order.hasTies;
  }

  /**
   * Whether the bytes that were read are in normal form: nothing that is one object there was written twice, strings and
   * frozensets are as they should be, what has FLAG_REF is what something refers to, and nothing follows the value.
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

  #begin(bytes: Buffer, layout: CodeLayout): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#codeObjects = layout.objects.length;
    this.#sharesStrings = layout.sharesStrings;
    this.objects.begin(bytes);
    this.#order.begin(bytes);
    for (const list of [this.#openTypes, this.#openOffsets, this.#openSizes, this.#openFlags]) list.clear();
    for (const list of [this.#openChildren, this.#stack, this.#stackOffsets, this.#flagged]) list.clear();
    this.firstLines.clear();
    this.#unreadable = undefined;
    this.#isOtherwise = false;
  }

  readonly #see = (offset: number, sizeBytes: number, depth: number): void => {
    if (this.#openTypes.length > depth) this.#close(depth);
    const typeByte = this.#bytes[offset] as number;
    const type = typeByte & ~flagRef;
    if (type === marshalType.reference) {
      if (typeByte !== type) this.#isOtherwise = true;
      this.#push(this.#target(offset), offset);
    } else if (type === marshalType.code || isContainer(type)) {
      this.#openTypes.push(type);
      this.#openOffsets.push(offset);
      this.#openSizes.push(sizeBytes);
      this.#openChildren.push(this.#stack.length);
      this.#openFlags.push(typeByte === type ? nothing : this.#flagged.length);
      if (typeByte !== type) this.#flagged.push(nothing);
    } else {
      const object = this.#leaf(type, offset, sizeBytes);
      if (isNumbered(typeByte)) this.#flagged.push(object);
      else if (typeByte !== type) this.#isOtherwise = true;
      this.#push(object, offset);
    }
  };

  /** The number of an object without children. */
  #leaf(type: number, offset: number, sizeBytes: number): number {
    const parent = this.#innermostType();
    let isOne = parent === marshalType.code || isSingleton(type);
    let normal = type;
    // The compiler leaves the strings in a slice as the parser made them.
    if (isString(type) && parent !== marshalType.slice) {
      const isName = isNameText(this.#bytes, offset, sizeBytes);
      normal = stringType(type, isName);
      isOne ||= isName || this.#sharesStrings;
    }
    const distinct = this.objects.types.length;
    const object = isOne
      ? this.objects.merged(normal, offset, sizeBytes, this.#stack, this.#stack.length)
      : this.objects.apart(normal, offset, sizeBytes, this.#stack, this.#stack.length);
    if (normal !== type || (object < distinct && !isSingleton(type))) this.#isOtherwise = true;
    return object;
  }

  /** The type of the innermost object still being read. */
  #innermostType(): number {
    return this.#openTypes.length === 0 ? nothing : this.#openTypes.at(this.#openTypes.length - 1);
  }

  #push(object: number, offset: number): void {
    this.#stack.push(object);
    this.#stackOffsets.push(offset);
  }

  /** The object a reference points to. For an invalid reference, records the error and returns any object. */
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
      if (type === marshalType.frozenset && !this.#order.sort(this.#stack, from)) this.#isOtherwise = true;
      const distinct = this.objects.types.length;
      const isField = isImmutableContainer(type) && this.#innermostType() === marshalType.code;
      const object =
        type === marshalType.frozenset || isField
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
}

export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
