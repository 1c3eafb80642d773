import { PyclinkError } from '../errors.ts';
import { sizeText } from '../text.ts';
import type { Unread } from './entry.ts';

/** How much a reader takes at most: an archive of a few kilobytes may unpack to any size. */
export interface ReadLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Of one file that is read. */
  readonly maxFileBytes: number;
}

/** Enough for every image and every pyc that people ship. */
export const defaultReadLimits: ReadLimits = {
  maxEntries: 5_000_000,
  maxBytes: 64 * 2 ** 30,
  maxFileBytes: 64 * 2 ** 20,
};

/** Why a file of this size is not read, if it is too large. */
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

  /** @param file what is read, for the message */
  constructor(file: string, limits: ReadLimits = defaultReadLimits) {
    this.limits = limits;
    this.#file = file;
  }

  /** Counts a name. @throws PyclinkError `tool-failed` if there are too many */
  countEntry(): void {
    this.#entries += 1;
    const { maxEntries } = this.limits;
    if (this.#entries > maxEntries) throw this.#exceeded(`has more than ${maxEntries} entries`, '--max-entries');
  }

  /** Passes unpacked bytes on. @throws PyclinkError `tool-failed` if there are too many */
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
