import type { Readable } from 'node:stream';

/** Takes bytes from a stream in the portions that its protocol says. One portion is read at a time. */
export class ByteReader {
  readonly #stream: Readable;
  #wake: () => void = () => undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    for (const event of ['readable', 'end', 'close']) stream.on(event, () => this.#wake());
  }

  /** The next bytes; undefined if the stream ends before there are so many. */
  async read(length: number): Promise<Buffer | undefined> {
    if (length === 0) return Buffer.alloc(0);
    for (;;) {
      const bytes: Buffer | null = this.#stream.read(length);
      if (bytes !== null) return bytes.length === length ? bytes : undefined;
      if (this.#stream.readableEnded || this.#stream.destroyed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
