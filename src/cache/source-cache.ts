import type { CompileOutcome, MadePyc } from '../compile/compile.ts';
import type { CompileJob } from '../compile/plan.ts';
import { PyclinkError } from '../errors.ts';
import { Arena } from '../files/arena.ts';
import { type RegularFile, readRegular } from '../files/read-regular.ts';
import type { InvalidationMode } from '../pyc/header.ts';
import { releaseOf } from '../pyc/releases.ts';
import { hasOtherEncoding } from '../pyc/source-encoding.ts';
import { type Digests, sha256Of } from '../sha256.ts';
import type { CacheCounts, UncachedReason } from './counts.ts';
import { decodeEntry, type Entry, encodeEntry, isSameEntry } from './entry.ts';
import { isInSample, type KeyFields, keyOf, secretMarkOf } from './key.ts';
import { LocalCache } from './local-cache.ts';
import { pycsForSource } from './pycs-for-source.ts';
import { RemoteCache } from './remote-cache.ts';
import type { CacheSettings } from './settings.ts';

/** A source that the cache was asked for. */
export interface Looked {
  readonly key: string;
  readonly sha256: string;
  /** There is an entry, which is to be verified. */
  readonly expected?: Entry;
}

/** Pycs in normal form. */
interface NormalPycs {
  readonly pycs: readonly MadePyc[];
  /** The SHA-256 of their contents, as far as it was computed. */
  readonly digests: Digests;
}

/** What a build takes from the cache: valid until the next source is looked up. */
export interface Hit extends NormalPycs {
  readonly warnings: readonly string[];
}

/** The cache of a lane, for the sources of one interpreter. */
export class SourceCache {
  readonly counts: CacheCounts;
  readonly #settings: CacheSettings;
  readonly #invalidationMode: InvalidationMode;
  readonly #local: LocalCache;
  readonly #remote: RemoteCache | undefined;
  readonly #keyFields: KeyFields;
  /** For the source and the entry that are looked at. */
  readonly #memory = new Arena();

  /**
   * @param compiler the digest of everything that compiles
   * @param counts what is added to
   */
  constructor(settings: CacheSettings, compiler: string, invalidationMode: InvalidationMode, counts: CacheCounts) {
    this.counts = counts;
    this.#settings = settings;
    this.#invalidationMode = invalidationMode;
    this.#local = new LocalCache(settings.directory, counts);
    const { secret, remote, namespace } = settings;
    this.#remote = remote && new RemoteCache(remote, counts);
    this.#keyFields = { namespace, secretMark: secretMarkOf(secret), compiler };
  }

  /**
   * Looks a job up.
   * @returns its pycs; or what `store` needs once it is compiled; or undefined if it is not for the cache
   */
  lookUp(job: CompileJob): Hit | Looked | undefined {
    this.#memory.clear();
    const file = job.source.physical ? readRegular(job.source.staged, this.#memory.take) : undefined;
    if (file === undefined) return this.#pass('not a regular file');
    const sha256 = sha256Of(file.content);
    const looked = { key: keyOf(job, sha256, this.#keyFields), sha256 };
    const isVerified = isInSample(looked.key, this.#settings.verifyPercent);
    const memory = isVerified ? undefined : this.#memory.take;
    const entry = this.#settings.recache ? undefined : this.#entry(looked.key, job, memory);
    if (entry === undefined) return hasOtherEncoding(file.content) ? this.#pass('another encoding') : looked;
    if (isVerified) return { ...looked, expected: entry };
    this.counts.local += 1;
    return this.#hit(job, entry, file);
  }

  /** Whether there is a server, and it is still in use. */
  get hasServer(): boolean {
    return this.#remote?.isOn === true && !this.#settings.recache;
  }

  /** Whether to ask the server about a source that the local store does not have. To be called once for each. */
  shouldAsk(): boolean {
    return !this.#settings.recache && this.#remote?.shouldAsk() === true;
  }

  /** Asks the server for an entry. Does not throw. @returns what `accept` needs */
  async ask({ key }: Looked): Promise<Buffer | undefined> {
    return this.#remote?.get(key);
  }

  /**
   * Takes what the server gave for a source that the local store did not have, and stores it there.
   * @returns as `lookUp` does
   */
  accept(job: CompileJob, looked: Looked, bytes: Buffer | undefined): Hit | Looked {
    if (bytes === undefined) return looked;
    const { key } = looked;
    const entry = this.#decoded(key, job, bytes);
    if (entry === undefined) {
      this.counts.remoteCorrupt += 1;
      return looked;
    }
    this.#local.put(key, [bytes]);
    if (isInSample(key, this.#settings.verifyPercent)) return { ...looked, expected: entry };
    this.#memory.clear();
    // It may be another one by now.
    const file = readRegular(job.source.staged, this.#memory.take);
    if (file === undefined || sha256Of(file.content) !== looked.sha256) return looked;
    this.counts.remote += 1;
    return this.#hit(job, entry, file);
  }

  /** Waits until the server has what was stored, but not longer than this. */
  async close(waitMs: number): Promise<void> {
    await this.#remote?.close(waitMs);
  }

  /**
   * Stores what was compiled, or compares it with the entry.
   * @param made its pycs; undefined if they have no normal form
   * @throws PyclinkError `cache-differs`
   */
  store({ key, sha256, expected }: Looked, outcome: CompileOutcome, made: NormalPycs | undefined): void {
    this.counts.compiled += 1;
    const { job, failure, warnings, compiledSha256, losses } = outcome;
    if (failure !== undefined || losses > 0 || made === undefined) {
      this.#leave('did not compile');
      return;
    }
    if (compiledSha256 !== sha256) {
      this.#leave('changed meanwhile');
      return;
    }
    const entry: Entry = { pycs: made.pycs, digests: made.digests, warnings };
    if (expected !== undefined) {
      if (!isSameEntry(entry, expected, headerBytesOf(job))) {
        throw new PyclinkError('cache-differs', 'the cache has other bytecode than the compiler gives', {
          path: job.source.payload,
          hint: `remove ${this.#nameOf(key)}, and find out who wrote it`,
        });
      }
      this.counts.verified += 1;
      return;
    }
    const pieces = encodeEntry(key, entry, this.#settings.secret);
    this.#local.put(key, pieces);
    if (this.#remote?.isWritable) this.#remote.put(key, pieces);
  }

  #nameOf(key: string): string {
    const { remote } = this.#settings;
    const local = this.#local.pathOf(key);
    return remote === undefined ? local : `${local} and ${remote.url}/${key}`;
  }

  /** Counts a source that is compiled and not stored. */
  #pass(reason: UncachedReason): undefined {
    this.counts.compiled += 1;
    this.#leave(reason);
    return undefined;
  }

  #leave(reason: UncachedReason): void {
    this.counts.uncached[reason] = (this.counts.uncached[reason] ?? 0) + 1;
  }

  /** The entry in the store. One that is no whole entry for this job is removed. */
  #entry(key: string, job: CompileJob, memory?: Arena['take']): Entry | undefined {
    const bytes = this.#local.get(key, memory);
    if (bytes === undefined) return undefined;
    const entry = this.#decoded(key, job, bytes);
    if (entry !== undefined) return entry;
    this.#local.removeCorrupt(key);
    return undefined;
  }

  #decoded(key: string, job: CompileJob, bytes: Buffer): Entry | undefined {
    const entry = decodeEntry(key, bytes, this.#settings.secret);
    const isWhole = job.levels.every((level, i) => {
      const pyc = entry?.pycs[i];
      return pyc?.level === level && pyc.content.length > headerBytesOf(job);
    });
    return isWhole ? entry : undefined;
  }

  #hit(job: CompileJob, entry: Entry, source: RegularFile): Hit {
    const pycs = pycsForSource(job, entry, source, this.#invalidationMode);
    return { pycs, digests: entry.digests, warnings: entry.warnings };
  }
}

function headerBytesOf({ interpreter }: CompileJob): number {
  return releaseOf(interpreter.magicNumber).headerSizeBytes;
}
