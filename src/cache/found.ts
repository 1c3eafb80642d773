import type { MadePycs } from '../compile/compile.ts';
import type { Entry } from './entry.ts';

/** A source that was looked for, and is to be compiled. */
export interface Lookup {
  readonly key: string;
  readonly sha256: string;
  /** The entry that was found, if what is compiled is to be compared with it. */
  readonly expected?: Entry;
  /** Nothing was found in the local store, and the server may have it. */
  readonly shouldAskServer: boolean;
}

/** What a build takes from the cache: valid until the next source is looked up. */
export interface Hit extends MadePycs {
  readonly warnings: readonly string[];
  /** Of the source. */
  readonly sha256: string;
}
