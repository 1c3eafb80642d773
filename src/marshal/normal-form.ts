import type { CodeLayout } from '../pyc/releases.ts';
import { TooLarge } from './frozenset-order.ts';
import { Numbers } from './numbers.ts';
import { nothing, ObjectReader, viewOf } from './object-reader.ts';
import { flagRef, isSingleton, marshalType } from './types.ts';
import type { UnreadableCode } from './walk.ts';

/** Increase this when the bytes of any normal form change, because caches keep them. A test notices. */
export const normalFormVersion = 2;

/** How often a value is written until the order in its frozensets is stable. The compiler's need one check. */
const maxRounds = 8;

/** How deeply objects may be nested once references are followed. */
const maxDepth = 2000;

/**
 * Encodes a marshalled value again, in normal form:
 * - a string is interned if it looks like a name: the interpreter interns the others when it loads the code;
 * - equal strings are written once and then referred to, where the compiler makes them one object too, and so are
 *   frozensets with the same elements, and the fields of code objects;
 * - the elements of a frozenset are sorted by their bytes;
 * - an object has FLAG_REF if something refers to it.
 * Without this, all four depend on the history of the process. Which other constants are one object does not: the
 * compiler decides it, programs see it, and the normal form keeps it.
 * @param allocate returns the buffer for the result
 * @see intern_constants in Objects/codeobject.c, merge_const_one in Python/compile.c, w_ref and w_complex_object in
 *   Python/marshal.c
 */
export function encodeNormal(
  bytes: Buffer,
  start: number,
  layout: CodeLayout,
  allocate: (sizeBytes: number) => Buffer = Buffer.allocUnsafe,
): Buffer | UnreadableCode {
  encoder ??= new NormalEncoder();
  return encoder.encoded(bytes, start, layout, allocate, true);
}

/** Like encodeNormal, but always encodes again, even if the bytes are normalized already. Tests compare both. */
export function encodeAnew(bytes: Buffer, start: number, layout: CodeLayout): Buffer | UnreadableCode {
  encoder ??= new NormalEncoder();
  return encoder.encoded(bytes, start, layout, Buffer.allocUnsafe, false);
}

/** Shared by all calls to reuse its memory. */
let encoder: NormalEncoder | undefined;

class NormalEncoder {
  readonly #reader = new ObjectReader();
  readonly #objects = this.#reader.objects;
  /** Object to flag number, once it is written. */
  readonly #written = new Numbers();
  #flags = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #view = viewOf(this.#bytes);
  /** A code object's first line number is stored after this many of its child objects, before the others. */
  #codeObjects = 0;
  #out: Buffer = Buffer.alloc(0);
  #outView = viewOf(this.#out);
  #size = 0;

  /**
   * Encodes a value in normal form.
   * @param keeps whether to return the bytes themselves if they are normalized already
   */
  encoded(
    bytes: Buffer,
    start: number,
    layout: CodeLayout,
    allocate: (sizeBytes: number) => Buffer,
    keeps: boolean,
    rounds = maxRounds,
  ): Buffer | UnreadableCode {
    try {
      const read = this.#reader.read(bytes, start, layout);
      if ('unreadable' in read) return read;
      if (keeps && this.#reader.isNormal()) return bytes;
      this.#begin(bytes, layout.objects.length);
      this.#size = bytes.copy(this.#out, 0, 0, start);
      this.#write(read.root, 0);
    } catch (error) {
      if (error instanceof TooLarge) return { unreadable: error.message };
      throw error;
    }
    const normal = allocate(this.#size);
    this.#out.copy(normal, 0, 0, this.#size);
    if (!this.#reader.hasTies) return normal;
    if (rounds === 0) return { unreadable: 'frozensets of equal elements have no stable order' };
    return this.encoded(normal, start, layout, allocate, true, rounds - 1);
  }

  #begin(bytes: Buffer, codeObjects: number): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#codeObjects = codeObjects;
    this.#written.clear();
    for (let i = 0; i < this.#objects.types.length; i++) this.#written.push(nothing);
    this.#flags = 0;
    // A two-byte empty tuple may become a five-byte reference.
    if (this.#out.length < 3 * bytes.length) {
      this.#out = Buffer.allocUnsafeSlow(4 * bytes.length);
      this.#outView = viewOf(this.#out);
    }
  }

  /** Writes an object, or a reference if it has been written before. */
  #write(object: number, depth: number): void {
    const flag = this.#written.at(object);
    if (flag !== nothing) {
      this.#out[this.#size] = marshalType.reference;
      this.#outView.setInt32(this.#size + 1, flag, true);
      this.#size += 5;
      return;
    }
    if (depth > maxDepth) throw new TooLarge('nested too deeply');
    const type = this.#objects.types.at(object);
    const offset = this.#objects.offsets.at(object);
    const isReferred = this.#objects.uses.at(object) > 1 && !isSingleton(type);
    if (isReferred) this.#written.set(object, this.#flags++);
    this.#out[this.#size++] = isReferred ? type | flagRef : type;
    this.#copy(offset + 1, offset + this.#objects.sizes.at(object));
    const children = this.#objects.childCount(object);
    for (let i = 0; i < children; i++) {
      if (i === this.#codeObjects && type === marshalType.code) {
        const line = this.#reader.firstLines.at(object);
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
