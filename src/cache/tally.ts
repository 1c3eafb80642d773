import { appendFileSync, unlinkSync } from 'node:fs';
import { ifPossible } from '../files/if-possible.ts';
import { readRegular } from '../files/read-regular.ts';
import { replaceByContent } from '../files/replace.ts';

/** What builds found in a store, and what they added. */
interface Counts {
  readonly hits: number;
  readonly misses: number;
  /** The size of all entries that were added since the last trim. */
  readonly storedBytes: number;
}

/**
 * Counts what all builds found in a store and added to it. Each build appends a line to a file, and the counts are the
 * sums of its lines: zero if somebody removes it.
 */
export class Tally {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Adds the numbers of a build. */
  add({ hits, misses, storedBytes }: Counts): void {
    ifPossible(() => appendFileSync(this.#file, `${hits} ${misses} ${storedBytes}\n`));
  }

  /** The sums. */
  read(): Counts {
    const text = readRegular(this.#file)?.content.toString() ?? '';
    const sum = { hits: 0, misses: 0, storedBytes: 0 };
    for (const [, hits, misses, stored] of text.matchAll(/^(\d+) (\d+) (\d+)$/gm)) {
      sum.hits += Number(hits);
      sum.misses += Number(misses);
      sum.storedBytes += Number(stored);
    }
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
