import type { CacheCounts } from '../cache/counts.ts';
import type { Interpreter } from '../compile/interpreter.ts';
import type { PayloadPath } from '../files/path.ts';
import type { Skipped } from '../skipped.ts';

/** The stages of a build, in order. */
export type Stage = 'discover' | 'start' | 'compile' | 'write';

/** A file that was skipped; a problem makes the exit status 1. */
export interface ReportedSkip extends Skipped {
  readonly isProblem: boolean;
}

/** A pyc that was removed, or in a dry run would be, and why. */
export interface PrunedPyc {
  readonly path: PayloadPath;
  readonly detail: string;
}

/** The result of a build, for people and for machines. */
export interface BuildReport {
  readonly dryRun: boolean;
  readonly buildroot: string;
  readonly interpreters: readonly Interpreter[];
  readonly levels: readonly number[];
  /** The number of sources, and the number of those with current pycs. */
  readonly sources: number;
  readonly current: number;
  /** PATHs without any `.py`, unless a pattern matched them. */
  readonly withoutSources: readonly PayloadPath[];
  /** Only in a dry run: the number of sources that would be compiled. */
  readonly dueSources?: number;
  /** Only with --remove-sources: how many sources were removed or, in a dry run, would be. */
  readonly removedSources?: number;
  /** Only with --prune: the old pycs that were removed or, in a dry run, would be. Sorted by path. */
  readonly pruned?: readonly PrunedPyc[];
  /** For this run, not for the whole manifest. In a dry run: what would be written. */
  readonly pycs: number;
  /** How many of them already existed with the same bytes and links. */
  readonly unchanged: number;
  readonly linkGroups: number;
  readonly links: number;
  readonly sizeBytesWithoutLinks: number;
  readonly sizeBytes: number;
  /** Sorted by path. */
  readonly skipped: readonly ReportedSkip[];
  /** The compiler's warnings, sorted. */
  readonly warnings: readonly string[];
  /** The cache statistics, if a cache was requested. */
  readonly cache: (CacheCounts & { readonly problems: readonly string[] }) | undefined;
  /** Files that were written or, in a dry run, would be. */
  readonly manifest: string | undefined;
  readonly html: string | undefined;
  readonly filelists: readonly string[];
  readonly seconds: Readonly<Record<Stage, number>>;
}
