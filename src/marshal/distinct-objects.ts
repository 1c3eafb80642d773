import { Numbers } from './numbers.ts';

/**
 * The distinct objects of a marshalled value, as numbers. Merged equal objects have one number. Children come before
 * their parents. Reused for one value after another to keep its memory.
 */
export class DistinctObjects {
  readonly types = new Numbers();
  /** The offset of the type byte; for merged objects, that of the first. */
  readonly offsets = new Numbers();
  /** The size of the type byte and its data, without the children. */
  readonly sizes = new Numbers();
  /** How often it occurs as a child; twice in one tuple counts twice. */
  readonly uses = new Numbers();
  readonly #firstChildren = new Numbers();
  readonly #childCounts = new Numbers();
  readonly #children = new Numbers();
  readonly #hashes = new Numbers();
  #bytes: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  /** Open addressing: the number of an object plus one, or 0 if free. */
  #table = new Int32Array(0);
  #mask = 0;

  /** Starts a new value. */
  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const list of [this.types, this.offsets, this.sizes, this.uses]) list.clear();
    for (const list of [this.#firstChildren, this.#childCounts, this.#children, this.#hashes]) list.clear();
    this.#makeTable(bytes.length >> 3);
  }

  childCount(object: number): number {
    return this.#childCounts.at(object);
  }

  child(object: number, index: number): number {
    return this.#children.at(this.#firstChildren.at(object) + index);
  }

  /**
   * Returns the number of an object: that of an equal one if there is one.
   * @param from where its children begin on the stack; they extend to the end
   */
  merged(type: number, offset: number, sizeBytes: number, stack: Numbers, from: number): number {
    let hash = seed ^ type;
    let at = offset + 1;
    const end = offset + sizeBytes;
    for (; at + 4 <= end; at += 4) hash = mixed(hash, this.#view.getInt32(at, true));
    for (; at < end; at++) hash = mixed(hash, this.#bytes[at] as number);
    for (let i = from; i < stack.length; i++) hash = mixed(hash, stack.at(i));
    hash = hash ^ (hash >>> 15) || 1;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const object = (this.#table[slot] as number) - 1;
      if (object < 0) {
        this.#table[slot] = this.types.length + 1;
        return this.#push(type, offset, sizeBytes, stack, from, hash);
      }
      if (this.#hashes.at(object) === hash && this.#isEqual(object, type, offset, sizeBytes, stack, from))
        return object;
    }
  }

  /** Returns a new number, for an object that is not merged. Children as in `merged`. */
  apart(type: number, offset: number, sizeBytes: number, stack: Numbers, from: number): number {
    return this.#push(type, offset, sizeBytes, stack, from, noHash);
  }

  #push(type: number, offset: number, sizeBytes: number, stack: Numbers, from: number, hash: number): number {
    const object = this.types.length;
    this.types.push(type);
    this.offsets.push(offset);
    this.sizes.push(sizeBytes);
    this.uses.push(0);
    this.#firstChildren.push(this.#children.length);
    this.#childCounts.push(stack.length - from);
    this.#hashes.push(hash);
    for (let i = from; i < stack.length; i++) {
      const child = stack.at(i);
      this.#children.push(child);
      this.uses.set(child, this.uses.at(child) + 1);
    }
    if (2 * object > this.#mask) this.#grow();
    return object;
  }

  #isEqual(object: number, type: number, offset: number, sizeBytes: number, stack: Numbers, from: number): boolean {
    if (this.types.at(object) !== type || this.sizes.at(object) !== sizeBytes) return false;
    if (this.#childCounts.at(object) !== stack.length - from) return false;
    const other = this.offsets.at(object);
    for (let i = 1; i < sizeBytes; i++) if (this.#bytes[other + i] !== this.#bytes[offset + i]) return false;
    const first = this.#firstChildren.at(object);
    for (let i = from; i < stack.length; i++) if (this.#children.at(first + i - from) !== stack.at(i)) return false;
    return true;
  }

  #makeTable(atLeast: number): void {
    let size = 1024;
    while (size < atLeast) size *= 2;
    if (this.#table.length < size) this.#table = new Int32Array(size);
    else this.#table.fill(0, 0, size);
    this.#mask = size - 1;
  }

  #grow(): void {
    this.#makeTable(2 * (this.#mask + 1));
    for (let object = 0; object < this.types.length; object++) {
      const hash = this.#hashes.at(object);
      if (hash === noHash) continue;
      let slot = hash & this.#mask;
      while (this.#table[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#table[slot] = object + 1;
    }
  }
}

/** Combines a hash with another number. */
function mixed(hash: number, item: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ item, 0x9e3779b1);
}

/** Random, so that nobody can craft a pyc whose objects all collide. It does not affect the result. */
const seed = Math.floor(Math.random() * 2 ** 31);

/** The hash of objects that are not in the table. */
const noHash = 0;
