import { PyclinkError } from '../errors.ts';

/** How much a reader of archives takes at most: an archive of a few kilobytes may unpack to any size. */
export interface ReadLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** Enough for every image that people ship. */
export const defaultReadLimits: ReadLimits = { maxEntries: 5_000_000, maxBytes: 64 * 2 ** 30 };

/** Counts what is read from one archive or image. */
export class Budget {
  readonly #limits: ReadLimits;
  readonly #file: string;
  #entries = 0;
  #bytes = 0;

  /** @param file what is read, for the message */
  constructor(file: string, limits: ReadLimits = defaultReadLimits) {
    this.#limits = limits;
    this.#file = file;
  }

  /** Counts a name. @throws PyclinkError `tool-failed` if there are too many */
  countEntry(): void {
    this.#entries += 1;
    const { maxEntries } = this.#limits;
    if (this.#entries > maxEntries) throw this.#exceeded(`has more than ${maxEntries} entries`, '--max-entries');
  }

  /** Passes unpacked bytes on. @throws PyclinkError `tool-failed` if there are too many */
  async *counted(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const { maxBytes } = this.#limits;
    for await (const chunk of source) {
      this.#bytes += chunk.length;
      if (this.#bytes > maxBytes) throw this.#exceeded(`unpacks to more than ${maxBytes} bytes`, '--max-size');
      yield chunk;
    }
  }

  #exceeded(reason: string, option: string): PyclinkError {
    return new PyclinkError('tool-failed', reason, { path: this.#file, hint: `${option} raises the limit` });
  }
}
