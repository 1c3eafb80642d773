/** Room for bytes that are needed for a short time only, used again and again: the collector need not look for it. */
export class Arena {
  #buffer = Buffer.allocUnsafeSlow(65_536);
  #used = 0;

  /** Some bytes with any content, which are there until all is given back. */
  readonly take = (sizeBytes: number): Buffer => {
    // The bytes taken so far keep the old buffer.
    if (this.#used + sizeBytes > this.#buffer.length) {
      this.#buffer = Buffer.allocUnsafeSlow(2 * (this.#used + sizeBytes));
      this.#used = 0;
    }
    this.#used += sizeBytes;
    return this.#buffer.subarray(this.#used - sizeBytes, this.#used);
  };

  /** Gives back all that was taken. */
  clear(): void {
    this.#used = 0;
  }
}
