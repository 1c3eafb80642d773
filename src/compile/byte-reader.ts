import type { Readable } from 'node:stream';

/**
 * Reads portions of given lengths from a stream, one at a time. All share one buffer: a portion is valid until the next
 * one is read.
 */
export class ByteReader {
  #buffer = Buffer.allocUnsafeSlow(65_536);
  /** The bytes that arrived and were not read yet. */
  #start = 0;
  #end = 0;
  #isEnded = false;
  #wake: () => void = () => undefined;

  constructor(stream: Readable) {
    stream.on('data', (chunk: Buffer) => {
      this.#makeRoom(chunk.length);
      this.#end += chunk.copy(this.#buffer, this.#end);
      this.#wake();
    });
    for (const event of ['end', 'close', 'error']) {
      stream.on(event, () => {
        this.#isEnded = true;
        this.#wake();
      });
    }
  }

  /** The next `length` bytes; undefined if the stream ends before. */
  async read(length: number): Promise<Buffer | undefined> {
    while (this.#end - this.#start < length) {
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#start += length;
    return this.#buffer.subarray(this.#start - length, this.#start);
  }

  #makeRoom(length: number): void {
    if (this.#end + length <= this.#buffer.length) return;
    const kept = this.#end - this.#start;
    const old = this.#buffer;
    if (2 * (kept + length) > old.length) this.#buffer = Buffer.allocUnsafeSlow(4 * (kept + length));
    old.copy(this.#buffer, 0, this.#start, this.#end);
    [this.#start, this.#end] = [0, kept];
  }
}
