import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { CacheCounts } from './counts.ts';
import { maxEntryBytes, RemoteFailure, type RemoteSettings, type RemoteStore } from './remote-store.ts';

/** A server is disabled after three failures in a row, or after a build has lost five seconds with it. */
const maxFailures = 3;
const maxLostMs = 5000;

/** How much may wait to be sent. */
const maxWaitingBytes = 32 * 1024 ** 2;

// In this thread: for so few bytes the way to another one takes longer than the work.
const compression = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

/**
 * The server of a thread. Nothing that it does or does not do is an error, and it costs a build a limited time. Entries are
 * compressed with Brotli on their way.
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
  /** Until when lost time is counted: that of several requests at a time is lost once. */
  #lostUntil = 0;
  #isClosed = false;

  /** @param counts what is added to; a problem in it turns the server off */
  constructor(settings: RemoteSettings, counts: CacheCounts) {
    this.#settings = settings;
    this.isWritable = settings.isWritable;
    this.#counts = counts;
  }

  /** Whether it is asked at all. */
  get isOn(): boolean {
    return this.#counts.remoteProblem === undefined && !this.#isClosed;
  }

  /**
   * An entry, if there is one. Does not throw. A server that answers with anything else fails: it may be a page for people.
   * @param decode gives what is in the bytes of an entry; undefined if they are none
   * @param isHeldUp whether the build had nothing else to do: then the time until a miss is lost
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

  /** Sends an entry. Does not throw. @param pieces its bytes, which may change afterwards */
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

  /** Waits until everything is sent, but not longer than this; then gives up whatever is still going on. */
  async close(waitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const isOver = new Promise((resolve) => {
      timer = setTimeout(resolve, waitMs);
    });
    await Promise.race([Promise.all(this.#sending), isOver]);
    clearTimeout(timer);
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

  /** What the server answers; undefined if it failed, which is counted. */
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

/** Empty if they were not compressed, or are too many: then they are no entry. */
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

/** The class for a server. It is loaded only now: most builds need none. */
export async function storeClass(url: string): Promise<new (settings: RemoteSettings) => RemoteStore> {
  if (/^https?:/.test(url)) return (await import('./http-store.ts')).HttpStore;
  return (await import('./redis-store.ts')).RedisStore;
}
