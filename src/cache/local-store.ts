import { closeSync, openSync, renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeIfMissing } from '../files/directory.ts';
import { ifErrno, ifPossible, ifRefused } from '../files/if-possible.ts';
import { removeLeftovers, temporaryName } from '../files/leftovers.ts';
import { atMost, type RegularFile, readRegular } from '../files/read-regular.ts';
import { unlinkIfAny } from '../files/replace.ts';
import { type FileStat, lstatIfAny } from '../files/stat.ts';
import type { CacheSettings } from './settings.ts';
import { isKey, isShard, namesIn } from './shards.ts';
import { Tally } from './tally.ts';

/** An entry on disk. */
export interface StoredEntry {
  readonly key: string;
  readonly sizeBytes: number;
  /** The time of last use. */
  readonly usedMs: number;
}

/** Called for each entry or directory that the system refused. */
type OnRefusal = (path: string, error: unknown) => void;

/** The time of last use is updated at most this often, to save writes. */
const usedAgainMs = 3_600_000;

/** Larger files are not entries. */
const maxEntryBytes = 256 * 1024 ** 2;

/**
 * A store that keeps each entry in a file: `v1/ab/` contains the entries whose keys begin with `ab`. There are no
 * locks: an entry appears in one step, and any entry may vanish at any time.
 */
export class LocalStore {
  readonly tally: Tally;
  readonly #entries: string;
  readonly #onRefusal: OnRefusal;

  /**
   * @param directory as returned by `checkCacheDirectory`
   * @param onRefusal called for each path that `entries`, `trim` and `clear` cannot read or remove; they continue with
   *   the rest
   */
  constructor(directory: string, onRefusal: OnRefusal = () => undefined) {
    this.#onRefusal = onRefusal;
    this.#entries = join(directory, 'v1');
    this.tally = new Tally(join(this.#entries, 'tally'));
  }

  /**
   * The file of an entry; undefined if there is none.
   * @param take allocates the memory for its bytes
   * @throws the system's error
   */
  get(key: string, take?: (sizeBytes: number) => Buffer): RegularFile | undefined {
    const path = this.pathOf(key);
    const file = readRegular(path, atMost(maxEntryBytes, take));
    if (file !== undefined && Date.now() - milliseconds(file.stat) > usedAgainMs) this.#markUsed(path);
    return file;
  }

  /** Stores an entry. @param pieces its bytes @throws the system's error */
  put(key: string, pieces: readonly Buffer[]): void {
    const path = this.pathOf(key);
    const write = () => writeWhole(path, pieces);
    ifErrno('ENOENT', write, () => {
      for (const directory of [this.#entries, dirname(path)]) makeIfMissing(directory, 0o755);
      write();
    });
  }

  /** Removes an entry if it exists. @throws the system's error */
  remove(key: string): void {
    unlinkIfAny(this.pathOf(key));
  }

  /** All entries. @throws the system's error if the store cannot be listed */
  *entries(): Generator<StoredEntry> {
    for (const shard of namesIn(this.#entries).filter(isShard)) {
      const directory = join(this.#entries, shard);
      for (const key of this.#attempt(directory, () => namesIn(directory)) ?? []) {
        const stat = isKey(key) ? this.#attempt(this.pathOf(key), () => lstatIfAny(this.pathOf(key))) : undefined;
        if (stat?.kind === 'file') yield { key, sizeBytes: stat.sizeBytes, usedMs: milliseconds(stat) };
      }
    }
  }

  /**
   * Evicts the least recently used entries until the rest is at most this large.
   * @returns the number of evicted entries, and the size of the rest
   * @throws the system's error if the store cannot be listed
   */
  trim(maxBytes: number): { readonly removed: number; readonly bytes: number } {
    this.#removeLeftovers();
    const entries = [...this.entries()].sort((a, b) => a.usedMs - b.usedMs);
    let bytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    let removed = 0;
    for (const { key, sizeBytes } of entries) {
      if (bytes <= maxBytes) break;
      if (!this.#removeIfAllowed(key)) continue;
      bytes -= sizeBytes;
      removed += 1;
    }
    this.tally.forgetStored();
    return { removed, bytes };
  }

  /** Removes everything. @returns how many entries were removed @throws the system's error if the store cannot be listed */
  clear(): number {
    this.#removeLeftovers();
    let count = 0;
    for (const { key } of this.entries()) {
      if (this.#removeIfAllowed(key)) count += 1;
    }
    this.tally.remove();
    return count;
  }

  #removeIfAllowed(key: string): boolean {
    return this.#attempt(this.pathOf(key), () => [this.remove(key)]) !== undefined;
  }

  #attempt<T>(path: string, work: () => T): T | undefined {
    return ifRefused(work, (error) => {
      this.#onRefusal(path, error);
      return undefined;
    });
  }

  /** Removes temporary files that killed builds left. @throws the system's error if the store cannot be listed */
  #removeLeftovers(): void {
    for (const shard of namesIn(this.#entries).filter(isShard)) removeLeftovers(join(this.#entries, shard));
  }

  /** The file of an entry, if there is one. */
  pathOf(key: string): string {
    return join(this.#entries, key.slice(0, 2), key);
  }

  #markUsed(path: string): void {
    const now = new Date();
    ifPossible(() => utimesSync(path, now, now));
  }
}

/** Whether a build may find an entry: the store has one, or the system does not tell. */
export function mayHaveEntries({ directory, recache }: Pick<CacheSettings, 'directory' | 'recache'>): boolean {
  if (recache) return false;
  return ifRefused(
    () => new LocalStore(directory).entries().next().done !== true,
    () => true,
  );
}

/**
 * Writes a file in one step. The directory is not held open as in a buildroot: nobody else may write here.
 * @throws the system's error, after removing the temporary file
 */
function writeWhole(path: string, pieces: readonly Buffer[]): void {
  const temporary = join(dirname(path), temporaryName());
  const descriptor = openSync(temporary, 'wx', 0o644);
  try {
    for (const piece of pieces) writeFileSync(descriptor, piece);
    renameSync(temporary, path);
  } catch (error) {
    ifPossible(() => unlinkSync(temporary));
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** The time when a file was last written or used. */
function milliseconds({ modifiedNs }: FileStat): number {
  return Number(modifiedNs / 1_000_000n);
}
