/** A list of 32-bit numbers that keeps its memory when it is cleared. */
export class Numbers {
  #items = new Int32Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** @param index below the length */
  at(index: number): number {
    return this.#items[index] as number;
  }

  set(index: number, item: number): void {
    this.#items[index] = item;
  }

  push(item: number): void {
    if (this.#length === this.#items.length) {
      const larger = new Int32Array(2 * this.#length);
      larger.set(this.#items);
      this.#items = larger;
    }
    this.#items[this.#length++] = item;
  }

  /** Sets an item; past the end, zeros fill the gap. */
  put(index: number, item: number): void {
    while (this.#length <= index) this.push(0);
    this.#items[index] = item;
  }

  /** Removes the last item. The list must not be empty. */
  pop(): number {
    return this.#items[--this.#length] as number;
  }

  /** Removes all items from this index on. */
  truncate(length: number): void {
    this.#length = length;
  }

  clear(): void {
    this.#length = 0;
  }
}
