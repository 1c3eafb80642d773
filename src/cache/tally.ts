import { appendFileSync, unlinkSync } from 'node:fs';
import { ifPossible } from '../files/if-possible.ts';
import { atMost, readRegular } from '../files/read-regular.ts';
import { replaceByContent } from '../files/replace.ts';
import { lstatIfAny } from '../files/stat.ts';

/** Counts of hits, misses and stored bytes. */
interface Counts {
  readonly hits: number;
  readonly misses: number;
  /** The size of all entries added since the last trim. */
  readonly storedBytes: number;
}

/** Enough for 50,000 builds. A larger file is not a tally. */
const maxBytes = 1024 ** 2;

/**
 * Counts hits, misses and stored bytes of all builds. Each build appends a line to a file; the counts are the sums over
 * the lines. They are zero if the file is missing or not a regular file.
 */
export class Tally {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Adds the counts of a build. */
  add({ hits, misses, storedBytes }: Counts): void {
    const line = `${hits} ${misses} ${storedBytes}\n`;
    ifPossible(() => {
      const found = lstatIfAny(this.#file);
      const isTally = found === undefined || (found.kind === 'file' && found.sizeBytes <= maxBytes);
      if (isTally) appendFileSync(this.#file, line, { mode: 0o644 });
      else replaceByContent(this.#file, [line], 0o644);
    });
  }

  /** The sums over all builds. */
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

  /** Resets the count of stored bytes, and merges all lines into one. */
  forgetStored(): void {
    const { hits, misses } = this.read();
    ifPossible(() => replaceByContent(this.#file, [`${hits} ${misses} 0\n`], 0o644));
  }

  remove(): void {
    ifPossible(() => unlinkSync(this.#file));
  }
}
