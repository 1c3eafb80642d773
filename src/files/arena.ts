/**
 * Bytes in memory that is used again: read them before the next `await`, and before more is read from where they come
 * from. What is kept is copied.
 */
export type Borrowed = Buffer;

/** The largest block that is allocated in advance. */
const maxSpareBytes = 64 * 1024 * 1024;

/** Memory for short-lived bytes, reused so that it does not burden the garbage collector. */
export class Arena {
  #buffer = Buffer.allocUnsafeSlow(65_536);
  #used = 0;

  /** A buffer with arbitrary content, valid until `clear`. */
  readonly take = (sizeBytes: number): Borrowed => {
    // Buffers that were taken keep the old memory.
    if (this.#used + sizeBytes > this.#buffer.length) {
      this.#buffer = Buffer.allocUnsafeSlow(sizeBytes + Math.min(2 * this.#used + sizeBytes, maxSpareBytes));
      this.#used = 0;
    }
    this.#used += sizeBytes;
    return this.#buffer.subarray(this.#used - sizeBytes, this.#used);
  };

  /** Frees all buffers. */
  clear(): void {
    this.#used = 0;
  }
}
