import type { PayloadPath } from '../files/path.ts';
import type { Level } from '../pyc/name.ts';

/** The content of a page. */
export interface Page {
  /** The command and its target. */
  readonly title: string;
  /** The savings, in one sentence. */
  readonly headline: string;
  /** Further facts, a sentence each. */
  readonly facts: readonly string[];
  /** What the hatched part of the treemap shows: `links save`, `links would save`. */
  readonly hatched: string;
  readonly modules: readonly PageModule[];
  readonly findings: readonly PageFinding[];
  /** What each kind of finding means, and what to do about it. */
  readonly meanings?: Readonly<Record<string, string>>;
}

/** A module with the pycs of one interpreter. */
export interface PageModule {
  readonly source: PayloadPath;
  /** Undefined if they are next to their source. */
  readonly cacheTag: string | undefined;
  readonly files: readonly PageFile[];
  /** Its area in the treemap, and the hatched part of it. */
  readonly sizeBytes: number;
  readonly savedBytes: number;
}

/** A file and the levels that share it. */
export interface PageFile {
  readonly levels: readonly Level[];
  readonly sizeBytes: number;
}

/** A problem with a path. */
export interface PageFinding {
  readonly kind: string;
  readonly path: string;
  readonly detail: string;
}
