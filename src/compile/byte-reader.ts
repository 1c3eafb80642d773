import type { Readable } from 'node:stream';
import type { Borrowed } from '../files/arena.ts';

/** The largest block that is allocated in advance. */
const maxSpareBytes = 64 * 1024 * 1024;

/** Reads blocks of given lengths from a stream. All blocks share one buffer. */
export class ByteReader {
  #buffer = Buffer.allocUnsafeSlow(65_536);
  /** The bytes that have arrived and are unread. */
  #start = 0;
  #end = 0;
  #isEnded = false;
  /** The number of bytes that the pending read waits for. */
  #wanted = 0;
  #wake: () => void = () => undefined;

  constructor(stream: Readable) {
    stream.on('data', (chunk: Buffer) => {
      if (!this.#makeRoom(chunk.length)) {
        this.#isEnded = true;
        stream.destroy();
        this.#wake();
        return;
      }
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

  /** Reads the next `length` bytes; undefined if the stream ends early or memory runs out. */
  async read(length: number): Promise<Borrowed | undefined> {
    this.#wanted = length;
    while (this.#end - this.#start < length) {
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#start += length;
    return this.#buffer.subarray(this.#start - length, this.#start);
  }

  /** @returns false if there is no memory */
  #makeRoom(length: number): boolean {
    if (this.#end + length <= this.#buffer.length) return true;
    const kept = this.#end - this.#start;
    const old = this.#buffer;
    const needed = Math.max(this.#wanted, kept + length);
    if (2 * (kept + length) > old.length) {
      try {
        this.#buffer = Buffer.allocUnsafeSlow(needed + Math.min(3 * needed, maxSpareBytes));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return false;
      }
    }
    old.copy(this.#buffer, 0, this.#start, this.#end);
    [this.#start, this.#end] = [0, kept];
    return true;
  }
}
