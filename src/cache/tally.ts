import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import { atMost, readRegular } from '../files/read-regular.ts';
import { replaceByContent } from '../files/replace.ts';
import { fstat } from '../files/stat.ts';

/** What builds found in a store, and what they added. */
interface Counts {
  readonly hits: number;
  readonly misses: number;
  /** The size of all entries that were added since the last trim. */
  readonly storedBytes: number;
}

/** The lines of 50,000 builds. A larger file is none of ours. */
const maxBytes = 1024 ** 2;

/**
 * Counts what all builds found in a store and added to it. Each build appends a line to a file, and the counts are the
 * sums of its lines: zero if somebody removes it, or if something else is in its place.
 */
export class Tally {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Adds the numbers of a build. */
  add({ hits, misses, storedBytes }: Counts): void {
    const line = `${hits} ${misses} ${storedBytes}\n`;
    ifPossible(() => {
      if (!this.#append(line)) replaceByContent(this.#file, [line], 0o644);
    });
  }

  /** @returns whether there is a tally now to which that was done @throws the system's error */
  #append(line: string): boolean {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
    let descriptor: number;
    try {
      // Does not wait at a fifo.
      descriptor = openSync(this.#file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o644);
    } catch (error) {
      if (['ENXIO', 'ELOOP'].includes(errnoOf(error) ?? '')) return false;
      throw error;
    }
    try {
      const { kind, sizeBytes } = fstat(descriptor);
      if (kind !== 'file' || sizeBytes > maxBytes) return false;
      writeSync(descriptor, line);
      return true;
    } finally {
      closeSync(descriptor);
    }
  }

  /** The sums. */
  read(): Counts {
    const sum = { hits: 0, misses: 0, storedBytes: 0 };
    ifPossible(() => {
      const text = readRegular(this.#file, atMost(maxBytes))?.content.toString() ?? '';
      for (const [, hits, misses, stored] of text.matchAll(/^(\d+) (\d+) (\d+)$/gm)) {
        sum.hits += Number(hits);
        sum.misses += Number(misses);
        sum.storedBytes += Number(stored);
      }
    });
    return sum;
  }

  /** Counts added bytes from zero again, and replaces all lines by one. */
  forgetStored(): void {
    const { hits, misses } = this.read();
    ifPossible(() => replaceByContent(this.#file, [`${hits} ${misses} 0\n`], 0o644));
  }

  remove(): void {
    ifPossible(() => unlinkSync(this.#file));
  }
}
