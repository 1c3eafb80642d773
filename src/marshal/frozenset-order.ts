import type { DistinctObjects } from './distinct-objects.ts';
import type { Numbers } from './numbers.ts';
import { flagRef, marshalType } from './types.ts';

/** How deeply objects may be nested in a frozenset once references are followed. */
const maxDepth = 200;

/** Limit on the expanded text of all frozensets, as a multiple of the size of the input. */
const maxExpansion = 8;

/** The value cannot be normalized, because that would take too much time or space. */
export class TooLarge extends Error {}

/** Sorts the elements of the frozensets in a value by their bytes. */
export class FrozensetOrder {
  readonly #objects: DistinctObjects;
  readonly #firstLines: Numbers;
  #bytes: Buffer = Buffer.alloc(0);
  /** How many more bytes of frozensets may be expanded. */
  #budget = 0;
  #hasTies = false;

  /** @param firstLines for each code object, the offset of its first line number */
  constructor(objects: DistinctObjects, firstLines: Numbers) {
    this.#objects = objects;
    this.#firstLines = firstLines;
  }

  /** Starts a new value. */
  begin(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#budget = maxExpansion * bytes.length;
    this.#hasTies = false;
  }

  /**
   * Whether a frozenset has elements that differ only in identity, such as two NaNs. They are sorted by their numbers,
   * which may change when the value is written.
   */
  get hasTies(): boolean {
    return this.#hasTies;
  }

  /**
   * Sorts the elements of a frozenset: the part of the stack from `from` on.
   * @returns whether they were in order
   * @throws TooLarge
   */
  sort(stack: Numbers, from: number): boolean {
    const elements = Array.from({ length: stack.length - from }, (_, i) => {
      const object = stack.at(from + i);
      return { object, text: this.#text(object, 0, new Map()) };
    });
    elements.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : a.object - b.object));
    let wasSorted = true;
    for (const [i, { object, text }] of elements.entries()) {
      const before = elements[i - 1];
      if (before?.text === text && before.object !== object) this.#hasTies = true;
      if (stack.at(from + i) !== object) wasSorted = false;
      stack.set(from + i, object);
    }
    return wasSorted;
  }

  /**
   * An object and everything in it as text, one character per byte: the sort key.
   * @param seen numbers the objects that are in the text already; the text refers to them, and so tells whether two NaNs
   *   in it are one
   */
  #text(object: number, depth: number, seen: Map<number, number>): string {
    const sizeBytes = this.#objects.sizes.at(object);
    this.#budget -= sizeBytes;
    if (depth > maxDepth) throw new TooLarge('nested too deeply in a frozenset');
    if (this.#budget < 0) throw new TooLarge('too many nested frozensets');
    const known = seen.get(object);
    if (known !== undefined) return `${String.fromCharCode(marshalType.reference)}${known};`;
    seen.set(object, seen.size);
    const type = this.#objects.types.at(object);
    const offset = this.#objects.offsets.at(object);
    const own = this.#bytes.toString('latin1', offset + 1, offset + sizeBytes);
    const line = type === marshalType.code ? this.#firstLines.at(object) : 0;
    const firstLine = line === 0 ? '' : this.#bytes.toString('latin1', line, line + 4);
    const parts = Array.from({ length: this.#objects.childCount(object) }, (_, i) =>
      this.#text(this.#objects.child(object, i), depth + 1, seen),
    );
    return String.fromCharCode(type | flagRef) + own + firstLine + parts.join('');
  }
}
