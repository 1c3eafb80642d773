import { isRegular } from '../buildroot/source.ts';
import type { CompileOutcome } from '../compile/compile.ts';
import { type CompileJob, type Invalidation, invalidationModeOf } from '../compile/plan.ts';
import { errnoOf, PyclinkError } from '../errors.ts';
import { Arena } from '../files/arena.ts';
import { foreignWriterOf } from '../files/foreign-writer.ts';
import { ifPossible, ifRefused } from '../files/if-possible.ts';
import { type RegularFile, readRegular } from '../files/read-regular.ts';
import type { Pycs } from '../pyc/pyc.ts';
import { sha256Of } from '../sha256.ts';
import type { CacheCounts, UncachedReason } from './counts.ts';
import { type Entry, encodeEntry } from './entry.ts';
import { entryForJob, type Hit, isSameForJob, type Lookup, pycsForSource, storableOf } from './entry-for-job.ts';
import { type CompilerDigest, isInSample, type KeyFields, keyOf, secretMarkOf } from './key.ts';
import { LocalStore, mayHaveEntries } from './local-store.ts';
import { RemoteCache } from './remote-cache.ts';
import type { CacheSettings } from './settings.ts';

/** One thread's cache for the sources of one interpreter. */
export class SourceCache {
  readonly counts: CacheCounts;
  readonly #settings: CacheSettings;
  readonly #invalidation: Invalidation;
  readonly #local: LocalStore;
  readonly #looksInLocal: boolean;
  readonly #remote: RemoteCache | undefined;
  readonly #keyFields: KeyFields;
  /** Memory for the current source and entry. */
  readonly #memory = new Arena();

  /** @param counts what is added to */
  constructor(settings: CacheSettings, compiler: CompilerDigest, invalidation: Invalidation, counts: CacheCounts) {
    this.counts = counts;
    this.#settings = settings;
    this.#invalidation = invalidation;
    this.#local = new LocalStore(settings.directory);
    this.#looksInLocal = mayHaveEntries(settings);
    const { secret, remote, namespace } = settings;
    this.#remote = remote && new RemoteCache(remote, counts);
    this.#keyFields = { namespace, secretMark: secretMarkOf(secret), compiler };
  }

  /**
   * Looks a job up in the local store.
   * @returns its pycs on a hit; the lookup on a miss; undefined if no cache can have it, in which case the source is
   *   not read
   */
  lookUp(job: CompileJob): Hit | Lookup | undefined {
    const read = isRegular(job.source) && (this.#looksInLocal || this.hasServer) ? this.#read(job) : undefined;
    if (read === undefined) return undefined;
    const { file, key, sha256 } = read;
    const isVerified = isInSample(key, this.#settings.verifyPercent);
    const entry = this.#looksInLocal ? this.#entry(key, job, isVerified ? undefined : this.#memory.take) : undefined;
    if (entry === undefined) return { key, sha256 };
    if (isVerified) return { key, sha256, expected: entry };
    this.counts.local += 1;
    return this.#hit(job, entry, file, sha256);
  }

  /** Reads a source and computes its key. */
  #read(job: CompileJob): { readonly file: RegularFile; readonly sha256: string; readonly key: string } | undefined {
    const file = this.#sourceOf(job);
    if (file === undefined) return undefined;
    const sha256 = sha256Of(file.content);
    const key = keyOf(job, sha256, this.#keyFields);
    return key === undefined ? undefined : { file, sha256, key };
  }

  /** The source of a job; undefined if it cannot be read, which the compiler will report. */
  #sourceOf({ source }: CompileJob): RegularFile | undefined {
    this.#memory.clear();
    return ifPossible(() => readRegular(source.staged, this.#memory.take));
  }

  /** Whether there is a server for misses of the local store. */
  get hasServer(): boolean {
    return !this.#settings.recache && this.#remote?.isOn === true;
  }

  /**
   * Asks the server for what a lookup missed in the local store, and stores the entry there.
   * @param isHeldUp whether the interpreters are idle
   * @returns as `lookUp`; of a hit, the bytes stay valid
   */
  async askServer(job: CompileJob, lookup: Lookup, isHeldUp: () => boolean): Promise<Hit | Lookup> {
    const { key } = lookup;
    const decode = (bytes: Buffer) => {
      const entry = entryForJob(job, key, bytes, this.#settings.secret);
      return entry && { entry, bytes };
    };
    const answer = await this.#remote?.get(key, decode, isHeldUp);
    if (answer === undefined) return lookup;
    const { entry, bytes } = answer;
    this.#putInLocal(key, [bytes]);
    if (isInSample(key, this.#settings.verifyPercent)) return { ...lookup, expected: entry };
    // The source may have changed by now.
    const file = this.#sourceOf(job);
    if (file === undefined || sha256Of(file.content) !== lookup.sha256) return lookup;
    this.counts.remote += 1;
    return this.#hit(job, entry, file, lookup.sha256);
  }

  /** Waits until everything stored is sent to the server, at most this long. */
  async close(waitMs: number): Promise<void> {
    await this.#remote?.close(waitMs);
  }

  /**
   * Stores a compiled source, or compares it with the entry that was found.
   * @param lookup the result of `lookUp` or `accept`
   * @param made its pycs; undefined if they are not normalized
   * @throws PyclinkError `cache-differs`
   */
  store(lookup: Lookup | undefined, outcome: CompileOutcome, made: Pycs | undefined): void {
    this.counts.compiled += 1;
    const { job } = outcome;
    const storable = storableOf(outcome, made, lookup?.sha256);
    if ('reason' in storable) {
      this.#leave(storable.reason);
      return;
    }
    const { entry, sha256 } = storable;
    const key = lookup?.key ?? keyOf(job, sha256, this.#keyFields);
    if (key === undefined) this.#leave('unknown compiler');
    else if (lookup?.expected !== undefined) this.#verify(job, key, entry, lookup.expected);
    else this.#put(key, entry);
  }

  /** @throws PyclinkError `cache-differs` */
  #verify(job: CompileJob, key: string, compiled: Entry, expected: Entry): void {
    if (!isSameForJob(job, compiled, expected)) {
      throw new PyclinkError('cache-differs', 'the cached bytecode differs from what the compiler produces', {
        path: job.source.payload,
        hint: `remove ${this.#nameOf(key)}, and find out who wrote it`,
      });
    }
    this.counts.verified += 1;
  }

  #put(key: string, entry: Entry): void {
    const pieces = encodeEntry(key, entry, this.#settings.secret);
    this.#putInLocal(key, pieces);
    if (this.#remote?.isWritable) this.#remote.put(key, pieces);
  }

  /** Stores an entry. Its failure is no error of the build: after one, nothing more is stored. @param pieces its bytes */
  #putInLocal(key: string, pieces: readonly Buffer[]): void {
    const { counts } = this;
    const refuse = (error: unknown) => {
      counts.problem = `${errnoOf(error)}`;
    };
    if (counts.problem === undefined) ifRefused(() => this.#local.put(key, pieces), refuse);
    if (counts.problem !== undefined) counts.notStored += 1;
    else {
      counts.stored += 1;
      counts.storedBytes += pieces.reduce((sum, { length }) => sum + length, 0);
    }
  }

  #nameOf(key: string): string {
    const { remote } = this.#settings;
    const local = this.#local.pathOf(key);
    return remote === undefined ? local : `${local} and ${remote.url}/${key}`;
  }

  /** Counts a source that is not stored. */
  #leave(reason: UncachedReason): void {
    this.counts.uncached[reason] = (this.counts.uncached[reason] ?? 0) + 1;
  }

  /** Reads an entry that only this user or root can have written. Removes it if it is not a valid entry for this job. */
  #entry(key: string, job: CompileJob, memory?: Arena['take']): Entry | undefined {
    const file = ifPossible(() => this.#local.get(key, memory));
    if (file === undefined) return undefined;
    if (foreignWriterOf(file.stat) !== undefined) {
      this.counts.foreign += 1;
      return undefined;
    }
    const entry = entryForJob(job, key, file.content, this.#settings.secret);
    if (entry !== undefined) return entry;
    this.counts.corrupt += 1;
    ifPossible(() => this.#local.remove(key));
    return undefined;
  }

  #hit(job: CompileJob, entry: Entry, source: RegularFile, sha256: string): Hit {
    const pycs = pycsForSource(job, entry, source, invalidationModeOf(job, this.#invalidation));
    return { pycs, digests: entry.digests, warnings: entry.warnings, sha256 };
  }
}
