import { isRegular } from '../buildroot/source.ts';
import type { CompileOutcome, MadePyc } from '../compile/compile.ts';
import type { CompileJob } from '../compile/plan.ts';
import { PyclinkError } from '../errors.ts';
import { Arena } from '../files/arena.ts';
import { type RegularFile, readRegular } from '../files/read-regular.ts';
import type { InvalidationMode } from '../pyc/header.ts';
import { releaseOf } from '../pyc/releases.ts';
import { type Digests, sha256Of } from '../sha256.ts';
import type { CacheCounts, UncachedReason } from './counts.ts';
import { decodeEntry, type Entry, encodeEntry, isSameEntry } from './entry.ts';
import { isInSample, type KeyFields, keyOf, secretMarkOf } from './key.ts';
import { LocalCache } from './local-cache.ts';
import { pycsForSource } from './pycs-for-source.ts';
import { RemoteCache } from './remote-cache.ts';
import type { CacheSettings } from './settings.ts';

/** A source that was looked for, and is to be compiled. */
export interface Looked {
  readonly key: string;
  readonly sha256: string;
  /** There is an entry, which is to be verified. */
  readonly expected?: Entry;
  readonly shouldAskServer: boolean;
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
  readonly #looksInLocal: boolean;
  readonly #remote: RemoteCache | undefined;
  readonly #keyFields: KeyFields;
  /** For the source and the entry that are looked at. */
  readonly #memory = new Arena();

  /**
   * @param compiler as in `KeyFields`
   * @param counts what is added to
   */
  constructor(
    settings: CacheSettings,
    compiler: KeyFields['compiler'],
    invalidationMode: InvalidationMode,
    counts: CacheCounts,
  ) {
    this.counts = counts;
    this.#settings = settings;
    this.#invalidationMode = invalidationMode;
    this.#local = new LocalCache(settings.directory, counts);
    this.#looksInLocal = !settings.recache && !this.#local.isEmpty();
    const { secret, remote, namespace } = settings;
    this.#remote = remote && new RemoteCache(remote, counts);
    this.#keyFields = { namespace, secretMark: secretMarkOf(secret), compiler };
  }

  /**
   * Looks a job up, once. The source is not even read if nobody can have its entry.
   * @returns its pycs; or what was looked for; or undefined if nothing was
   */
  lookUp(job: CompileJob): Hit | Looked | undefined {
    if (!isRegular(job.source)) return undefined;
    const isForServer = !this.#looksInLocal && this.#shouldAsk();
    if (!this.#looksInLocal && !isForServer) return undefined;
    this.#memory.clear();
    const file = readRegular(job.source.staged, this.#memory.take);
    if (file === undefined) return undefined;
    const sha256 = sha256Of(file.content);
    const key = keyOf(job, sha256, this.#keyFields);
    if (key === undefined) return undefined;
    if (isForServer) return { key, sha256, shouldAskServer: true };
    const isVerified = isInSample(key, this.#settings.verifyPercent);
    const entry = this.#entry(key, job, isVerified ? undefined : this.#memory.take);
    if (entry === undefined) return { key, sha256, shouldAskServer: this.#shouldAsk() };
    if (isVerified) return { key, sha256, expected: entry, shouldAskServer: false };
    this.counts.local += 1;
    return this.#hit(job, entry, file);
  }

  /** Whether to look jobs up at all: there is somewhere to look. */
  get isWorthLooking(): boolean {
    return this.#looksInLocal || (this.hasServer && !this.#settings.recache);
  }

  /** Whether there is a server, and it is still in use. */
  get hasServer(): boolean {
    return this.#remote?.isOn === true;
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
   * @param looked what was looked for; undefined if nothing was
   * @param made its pycs; undefined if they have no normal form
   * @throws PyclinkError `cache-differs`
   */
  store(looked: Looked | undefined, outcome: CompileOutcome, made: NormalPycs | undefined): void {
    this.counts.compiled += 1;
    const { job, compiled, warnings } = outcome;
    const reason = reasonAgainst(outcome, looked);
    if (reason !== undefined || compiled === undefined || made === undefined) {
      this.#leave(reason ?? 'did not compile');
      return;
    }
    const key = looked?.key ?? keyOf(job, compiled.sha256, this.#keyFields);
    if (key === undefined) {
      this.#leave('unknown compiler');
      return;
    }
    const entry: Entry = { pycs: made.pycs, digests: made.digests, warnings };
    if (looked?.expected !== undefined) {
      this.#verify(job, key, entry, looked.expected);
      return;
    }
    const pieces = encodeEntry(key, entry, this.#settings.secret);
    this.#local.put(key, pieces);
    if (this.#remote?.isWritable) this.#remote.put(key, pieces);
  }

  /** @throws PyclinkError `cache-differs` */
  #verify(job: CompileJob, key: string, compiled: Entry, expected: Entry): void {
    if (!isSameEntry(compiled, expected, headerBytesOf(job))) {
      throw new PyclinkError('cache-differs', 'the cache has other bytecode than the compiler gives', {
        path: job.source.payload,
        hint: `remove ${this.#nameOf(key)}, and find out who wrote it`,
      });
    }
    this.counts.verified += 1;
  }

  #nameOf(key: string): string {
    const { remote } = this.#settings;
    const local = this.#local.pathOf(key);
    return remote === undefined ? local : `${local} and ${remote.url}/${key}`;
  }

  /** Whether to ask the server about a source that the local store does not have. To be called once for each. */
  #shouldAsk(): boolean {
    return !this.#settings.recache && this.#remote?.shouldAsk() === true;
  }

  /** Counts a source that is not stored. */
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

/** Why an outcome is not stored. */
function reasonAgainst(
  { job, failure, losses, compiled }: CompileOutcome,
  looked: Looked | undefined,
): UncachedReason | undefined {
  if (!isRegular(job.source)) return 'not a regular file';
  if (failure !== undefined || losses > 0) return 'did not compile';
  if (compiled === undefined || (looked !== undefined && looked.sha256 !== compiled.sha256)) return 'changed meanwhile';
  return compiled.isUtf8 ? undefined : 'another encoding';
}
