import { errnoOf } from '../errors.ts';
import type { Arena } from '../files/arena.ts';
import { foreignWriterOf } from '../files/foreign-writer.ts';
import { ifPossible } from '../files/if-possible.ts';
import type { CacheCounts } from './counts.ts';
import { LocalStore } from './local-store.ts';

/**
 * The local store of one thread. Failures are not errors of the build: what cannot be read counts as a miss, and after
 * the first write error nothing more is stored.
 */
export class LocalCache {
  readonly #store: LocalStore;
  readonly #counts: CacheCounts;

  /** @param directory with all symlinks resolved @param counts updated by each operation */
  constructor(directory: string, counts: CacheCounts) {
    this.#store = new LocalStore(directory);
    this.#counts = counts;
  }

  /** Reads an entry, unless another user could have written it. @param take allocates the memory */
  get(key: string, take: Arena['take'] | undefined): Buffer | undefined {
    return ifPossible(() => {
      const file = this.#store.get(key, take);
      if (file === undefined || foreignWriterOf(file.stat) === undefined) return file?.content;
      this.#counts.foreign += 1;
      return undefined;
    });
  }

  /** Removes a corrupt entry and counts it. */
  removeCorrupt(key: string): void {
    this.#counts.corrupt += 1;
    ifPossible(() => this.#store.remove(key));
  }

  /** Stores an entry. @param pieces its bytes */
  put(key: string, pieces: readonly Buffer[]): void {
    if (this.#counts.problem !== undefined) {
      this.#counts.notStored += 1;
      return;
    }
    try {
      this.#store.put(key, pieces);
      this.#counts.stored += 1;
      this.#counts.storedBytes += pieces.reduce((sum, { length }) => sum + length, 0);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      this.#counts.problem = errno;
      this.#counts.notStored += 1;
    }
  }

  /** The path of an entry, which may not exist. */
  pathOf(key: string): string {
    return this.#store.pathOf(key);
  }
}
