import { appendFileSync, unlinkSync } from 'node:fs';
import { ifPossible } from '../files/if-possible.ts';
import { readRegular } from '../files/read-regular.ts';
import { replaceByContent } from '../files/replace.ts';

/** What builds had of a store. */
interface Counts {
  readonly hits: number;
  readonly misses: number;
  /** Bytes that were stored since the last trim. */
  readonly storedBytes: number;
}

/** What all builds had of a store: a file to which each adds a line. A store works without it. */
export class Tally {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Adds what a build had. */
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

  /** Begins anew to add up what is stored, and makes one line of all. */
  forgetStored(): void {
    const { hits, misses } = this.read();
    ifPossible(() => replaceByContent(this.#file, [`${hits} ${misses} 0\n`], 0o644));
  }

  remove(): void {
    ifPossible(() => unlinkSync(this.#file));
  }
}
