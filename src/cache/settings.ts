import type { RemoteSettings } from './remote-store.ts';

/** How a build uses its cache. Plain data: each thread has its own SourceCache. */
export interface CacheSettings {
  /** Of the local store, with all symlinks resolved. */
  readonly directory: string;
  /** Separates those who share a store. */
  readonly namespace: string;
  /** Entries carry its HMAC. */
  readonly secret?: Buffer | undefined;
  /** The server to ask for entries that the local store does not have. */
  readonly remote?: RemoteSettings | undefined;
  /** Compile everything, and store it anew. */
  readonly recache: boolean;
  /** How many in a hundred hits are compiled all the same, and compared. */
  readonly verifyPercent: number;
}
