import type { Pycs } from '../pyc/pyc.ts';
import type { Entry } from './entry.ts';

/** A lookup without a hit: the source has to be compiled. */
export interface Lookup {
  readonly key: string;
  readonly sha256: string;
  /** The entry that was found, if the compiled code is to be compared with it. */
  readonly expected?: Entry;
  /** The local store had a miss, but the server may have the entry. */
  readonly shouldAskServer: boolean;
}

/** A hit. */
export interface Hit extends Pycs {
  readonly warnings: readonly string[];
  /** The SHA-256 of the source. */
  readonly sha256: string;
}
