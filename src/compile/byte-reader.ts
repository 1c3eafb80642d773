import type { Readable } from 'node:stream';

/** Reads blocks of given lengths from a stream. */
export class ByteReader {
  readonly #stream: Readable;
  #wake: () => void = () => undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    // With a listener for `readable`, Node.js keeps what a process wrote before it ended.
    for (const event of ['readable', 'end', 'close', 'error']) stream.on(event, () => this.#wake());
  }

  /** Reads the next `length` bytes; undefined if the stream ends early or memory runs out. */
  async read(length: number): Promise<Buffer | undefined> {
    while (length > 0) {
      const block = this.#next(length);
      if (block !== null) return block?.length === length ? block : undefined;
      if (this.#stream.readableEnded || this.#stream.destroyed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return Buffer.alloc(0);
  }

  /** @returns null if the bytes have not arrived, undefined if there is no memory for them */
  #next(length: number): Buffer | null | undefined {
    try {
      return this.#stream.read(length);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#stream.destroy();
      return undefined;
    }
  }
}
