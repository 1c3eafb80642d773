import type { PayloadPath } from '../files/path.ts';
import type { Level } from '../pyc/name.ts';

/** What a page shows. */
export interface Page {
  /** `pyclink audit`, and of what. */
  readonly title: string;
  /** The savings, in one sentence. */
  readonly headline: string;
  /** More that is to be known of the whole, a sentence each. */
  readonly facts: readonly string[];
  /** What the hatched part of the treemap is: `links save`, `links would save`. */
  readonly hatched: string;
  readonly modules: readonly PageModule[];
  readonly findings: readonly PageFinding[];
  /** What each kind of finding means, and what to do about it. */
  readonly meanings?: Readonly<Record<string, string>>;
}

/** A module with the pycs of one interpreter. */
export interface PageModule {
  readonly source: PayloadPath;
  /** Undefined if they are beside their source. */
  readonly cacheTag: string | undefined;
  readonly files: readonly PageFile[];
  /** Its part of the treemap, and how much of that is hatched. */
  readonly sizeBytes: number;
  readonly savedBytes: number;
}

/** A file, with the levels that are names of it. */
export interface PageFile {
  readonly levels: readonly Level[];
  readonly sizeBytes: number;
}

/** Something that is wrong with a path. */
export interface PageFinding {
  readonly kind: string;
  readonly path: string;
  readonly detail: string;
}
