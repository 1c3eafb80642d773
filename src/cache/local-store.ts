import { closeSync, existsSync, mkdirSync, openSync, renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import { temporaryName } from '../files/leftovers.ts';
import { atMost, type RegularFile, readRegular } from '../files/read-regular.ts';
import { type FileStat, lstatIfAny } from '../files/stat.ts';
import type { CacheSettings } from './settings.ts';
import { isKey, isShard, namesIn } from './shards.ts';
import { Tally } from './tally.ts';

/** An entry on disk. */
export interface StoredEntry {
  readonly key: string;
  readonly sizeBytes: number;
  /** When it was last used. */
  readonly usedMs: number;
}

/** Is told which entry, or directory of entries, the system refused. */
type OnRefusal = (path: string, error: unknown) => void;

/** An entry counts as unused for so long before its time is set again, to save writes. */
const usedAgainMs = 3_600_000;

/** A larger file is no entry. */
const maxEntryBytes = 256 * 1024 ** 2;

/** Nobody takes so long to write an entry. */
const leftoverMs = 3_600_000;

/**
 * Entries in the files of a directory: `v1/ab/` holds those whose key begins with `ab`. There are no locks: an entry
 * appears whole or not at all, and any of them may vanish at any time.
 */
export class LocalStore {
  readonly tally: Tally;
  readonly #entries: string;
  /** Whether there was the entry that was asked for last: then it is likely that the next one is there too. */
  #isLikely = true;

  readonly #onRefusal: OnRefusal;

  /**
   * @param directory as `checkCacheDirectory` returns it
   * @param onRefusal told of what cannot be looked at or removed by `entries`, `trim` and `clear`, which do the rest
   */
  constructor(directory: string, onRefusal: OnRefusal = () => undefined) {
    this.#onRefusal = onRefusal;
    this.#entries = join(directory, 'v1');
    this.tally = new Tally(join(this.#entries, 'tally'));
  }

  /**
   * The file of an entry; undefined if there is none.
   * @param take gives the memory for its bytes
   * @throws the system's error
   */
  get(key: string, take?: (sizeBytes: number) => Buffer): RegularFile | undefined {
    const path = this.pathOf(key);
    // An open that fails costs more: Node makes an error of it.
    const file = this.#isLikely || existsSync(path) ? readRegular(path, atMost(maxEntryBytes, take)) : undefined;
    this.#isLikely = file !== undefined;
    if (file !== undefined && Date.now() - milliseconds(file.stat) > usedAgainMs) this.#markUsed(path);
    return file;
  }

  /** Stores an entry. @param pieces its bytes @throws the system's error */
  put(key: string, pieces: readonly Buffer[]): void {
    const path = this.pathOf(key);
    try {
      writeWhole(path, pieces);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      for (const directory of [this.#entries, dirname(path)]) makeIfMissing(directory);
      writeWhole(path, pieces);
    }
  }

  /** Removes an entry, if it is there. @throws the system's error */
  remove(key: string): void {
    try {
      unlinkSync(this.pathOf(key));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
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
   * Removes what was not used for longest, until the entries are at most this large.
   * @returns how many were removed, and how large the others are
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
    try {
      return work();
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      this.#onRefusal(path, error);
      return undefined;
    }
  }

  /**
   * Removes temporary files that killed builds left. A process id says nothing here: a build in a container that shares
   * the directory has its own numbers.
   */
  #removeLeftovers(): void {
    for (const shard of namesIn(this.#entries).filter(isShard)) {
      for (const name of ifPossible(() => namesIn(join(this.#entries, shard))) ?? []) {
        const path = join(this.#entries, shard, name);
        const stat = ifPossible(() => lstatIfAny(path));
        const ageMs = stat === undefined ? 0 : Date.now() - milliseconds(stat);
        if (name.startsWith('.pyclink-') && ageMs > leftoverMs) ifPossible(() => unlinkSync(path));
      }
    }
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

/** Whether a build may find an entry: the store has one now, or that cannot be found out. */
export function mayHaveEntries({ directory, recache }: Pick<CacheSettings, 'directory' | 'recache'>): boolean {
  if (recache) return false;
  try {
    return new LocalStore(directory).entries().next().done !== true;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return true;
  }
}

/** @throws the system's error */
function makeIfMissing(directory: string): void {
  try {
    mkdirSync(directory, 0o755);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/**
 * Puts a file in its place in one step. The directory is not held, as it is in a buildroot: nobody else may write here.
 * @throws the system's error; there is no temporary file then
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

/** When a file was last written or used. */
function milliseconds({ modifiedNs }: FileStat): number {
  return Number(modifiedNs / 1_000_000n);
}
