import type { RemoteSettings } from './remote-store.ts';

/** How a build uses its cache. Plain data: each thread has its own SourceCache. */
export interface CacheSettings {
  /** The local store, with all symlinks resolved. */
  readonly directory: string;
  /** Separates users of the same store. */
  readonly namespace: string;
  /** The secret for the HMAC of entries. */
  readonly secret?: Buffer | undefined;
  /** The server to ask for entries that the local store does not have. */
  readonly remote?: RemoteSettings | undefined;
  /** Compile everything and replace the entries. */
  readonly recache: boolean;
  /** The percentage of hits that are compiled again and compared. */
  readonly verifyPercent: number;
}
