import { PyclinkError } from '../errors.ts';
import { sizeText } from '../text.ts';
import type { Unread } from './entry.ts';

/** Limits for readers: an archive of a few kilobytes may unpack to any size. */
export interface ReadLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** The largest file to read. */
  readonly maxFileBytes: number;
}

/** Enough for all known images and pycs. */
export const defaultReadLimits: ReadLimits = {
  maxEntries: 5_000_000,
  maxBytes: 64 * 2 ** 30,
  maxFileBytes: 64 * 2 ** 20,
};

/** The reason why a file of this size is not read; undefined if it is small enough. */
export function tooLarge(sizeBytes: number, { maxFileBytes }: ReadLimits): Unread | undefined {
  if (sizeBytes <= maxFileBytes) return undefined;
  return { unread: `is too large: ${sizeText(sizeBytes)}, more than the ${sizeText(maxFileBytes)} of --max-file-size` };
}

/** Counts what is read from one archive or image. */
export class Budget {
  readonly limits: ReadLimits;
  readonly #file: string;
  #entries = 0;
  #bytes = 0;

  /** @param file the archive or image, for messages */
  constructor(file: string, limits: ReadLimits = defaultReadLimits) {
    this.limits = limits;
    this.#file = file;
  }

  /** Counts an entry. @throws PyclinkError `tool-failed` if there are too many */
  countEntry(): void {
    this.#entries += 1;
    const { maxEntries } = this.limits;
    if (this.#entries > maxEntries) throw this.#exceeded(`has more than ${maxEntries} entries`, '--max-entries');
  }

  /** Passes unpacked bytes through and counts them. @throws PyclinkError `tool-failed` if there are too many */
  async *counted(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const { maxBytes } = this.limits;
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
