import type { Borrowed } from '../files/arena.ts';
import type { StagedPath } from '../files/path.ts';
import type { Digests } from '../sha256.ts';
import type { Level } from './name.ts';

/** A pyc on its way from the compiler or the cache to a file. */
export interface Pyc {
  readonly level: Level;
  readonly path: StagedPath;
  /** Levels with the same bytes may share a buffer. */
  readonly content: Borrowed;
  /** Permission bits, less the umask. */
  readonly mode: number;
}

/** The pycs of a source, and the SHA-256 of their contents, each computed once on demand. */
export interface Pycs {
  readonly pycs: readonly Pyc[];
  readonly digests: Digests;
}
