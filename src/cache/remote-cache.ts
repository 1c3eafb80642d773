import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { CacheCounts } from './counts.ts';
import { maxEntryBytes, RemoteFailure, type RemoteSettings, type RemoteStore } from './remote-store.ts';

/** The server is disabled after three failures in a row, or after the build has lost five seconds. */
const maxFailures = 3;
const maxLostMs = 5000;

/** The most that may wait to be sent. */
const maxWaitingBytes = 32 * 1024 ** 2;

// Compresses in this thread: handing so few bytes to another thread takes longer than compressing them.
const compression = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

/**
 * One thread's connection to a server. Its failures are not errors of the build, and it can cost a build only a limited
 * time. Entries are compressed with Brotli in transit.
 */
export class RemoteCache {
  readonly isWritable: boolean;
  readonly #counts: CacheCounts;
  readonly #settings: RemoteSettings;
  #store: Promise<RemoteStore> | undefined;
  readonly #sending = new Set<Promise<void>>();
  #waitingBytes = 0;
  #failures = 0;
  #lostMs = 0;
  /** Lost time is counted up to this moment: parallel requests lose the same time only once. */
  #lostUntil = 0;
  #isClosed = false;

  /** @param counts updated by each operation; the server is off if a problem is recorded there */
  constructor(settings: RemoteSettings, counts: CacheCounts) {
    this.#settings = settings;
    this.isWritable = settings.isWritable;
    this.#counts = counts;
  }

  /** Whether the server is used. */
  get isOn(): boolean {
    return this.#counts.remoteProblem === undefined && !this.#isClosed;
  }

  /**
   * Looks an entry up. Does not throw. An invalid response is a failure of the server; it may be a web page, for
   * example.
   * @param decode decodes the bytes of an entry; returns undefined if they are invalid
   * @param isHeldUp whether the build had nothing else to do: the time until a miss is then lost
   */
  async get<T>(
    key: string,
    decode: (bytes: Buffer) => T | undefined,
    isHeldUp: () => boolean = () => false,
  ): Promise<T | undefined> {
    const started = performance.now();
    const entry = await this.#answer(async (store) => {
      const bytes = await store.get(key);
      if (bytes === undefined) return undefined;
      const found = decode(decompressed(bytes));
      if (found !== undefined) return found;
      this.#counts.remoteCorrupt += 1;
      throw new RemoteFailure('its response is not a cache entry');
    });
    if (entry === undefined && isHeldUp()) this.#lose(started, 'its responses take too long');
    return entry;
  }

  /** Sends an entry. Does not throw. @param pieces its bytes; they may change after the call */
  put(key: string, pieces: readonly Buffer[]): void {
    const sizeBytes = pieces.reduce((sum, { length }) => sum + length, 0);
    if (!this.isOn || this.#waitingBytes > maxWaitingBytes || sizeBytes > maxEntryBytes) {
      this.#counts.notSent += 1;
      return;
    }
    const compressed = brotliCompressSync(Buffer.concat(pieces, sizeBytes), compression);
    this.#waitingBytes += compressed.length;
    const sending = this.#send(key, compressed).finally(() => {
      this.#waitingBytes -= compressed.length;
      this.#sending.delete(sending);
    });
    this.#sending.add(sending);
  }

  /** Waits until everything is sent, at most this long. Aborts what is left. */
  async close(waitMs: number): Promise<void> {
    const isSent = new AbortController();
    await Promise.race([Promise.all(this.#sending), sleep(waitMs, undefined, { signal: isSent.signal })]);
    isSent.abort();
    this.#isClosed = true;
    this.#counts.notSent += this.#sending.size;
    (await this.#store?.catch(() => undefined))?.close();
  }

  async #send(key: string, compressed: Buffer): Promise<void> {
    const isStored = await this.#answer((store) => store.put(key, compressed));
    if (this.#isClosed) return;
    if (isStored) this.#counts.sent += 1;
    else this.#counts.notSent += 1;
  }

  /** The response of the server; undefined after a failure, which is counted. */
  async #answer<T>(question: (store: RemoteStore) => Promise<T>): Promise<T | undefined> {
    if (!this.isOn) return undefined;
    const started = performance.now();
    try {
      this.#store ??= openStore(this.#settings);
      const answer = await question(await this.#store);
      this.#failures = 0;
      return answer;
    } catch (error) {
      if (!(error instanceof RemoteFailure)) throw error;
      this.#failures += 1;
      if (error.isFinal || this.#failures >= maxFailures) this.#disable(error.message);
      this.#lose(started, error.message);
      return undefined;
    }
  }

  /** Counts the time since a request as lost. */
  #lose(started: number, reason: string): void {
    const now = performance.now();
    this.#lostMs += now - Math.max(started, this.#lostUntil);
    this.#lostUntil = now;
    if (this.#lostMs >= maxLostMs) this.#disable(reason);
  }

  #disable(reason: string): void {
    if (this.isOn) this.#counts.remoteProblem = reason;
  }
}

/** Empty if the bytes were not compressed or are too many. Then they are not an entry. */
function decompressed(bytes: Buffer): Buffer {
  try {
    return brotliDecompressSync(bytes, { maxOutputLength: maxEntryBytes });
  } catch {
    return Buffer.alloc(0);
  }
}

async function openStore(settings: RemoteSettings): Promise<RemoteStore> {
  const Store = await storeClass(settings.url);
  return new Store(settings);
}

/** The class for a type of server, loaded on demand because most builds do not need one. */
export async function storeClass(url: string): Promise<new (settings: RemoteSettings) => RemoteStore> {
  if (/^https?:/.test(url)) return (await import('./http-store.ts')).HttpStore;
  return (await import('./redis-store.ts')).RedisStore;
}
