import type { CacheCounts } from '../cache/counts.ts';
import type { Interpreter } from '../compile/interpreter.ts';
import type { Skipped } from '../skipped.ts';

/** The stages of a build, in order. */
type Stage = 'discover' | 'start' | 'compile' | 'write';

/** A file that was skipped; a problem makes the exit status 1. */
interface ReportedSkip extends Skipped {
  readonly isProblem: boolean;
}

/** What a build did, for people and for machines. */
export interface BuildReport {
  readonly dryRun: boolean;
  readonly buildroot: string;
  readonly interpreters: readonly Interpreter[];
  readonly levels: readonly number[];
  /** The number of sources, and how many of them had current pycs. */
  readonly sources: number;
  readonly current: number;
  /** Only in a dry run: how many sources would be compiled. */
  readonly dueSources?: number;
  /** Only if asked for: how many sources were removed; in a dry run, how many would be. */
  readonly removedSources?: number;
  /** Of this run, not of the whole manifest. In a dry run: what would be written anew. */
  readonly pycs: number;
  /** How many of them were there already, with the same bytes and links. */
  readonly unchanged: number;
  readonly linkGroups: number;
  readonly links: number;
  readonly sizeBytesWithoutLinks: number;
  readonly sizeBytes: number;
  /** Sorted by path. */
  readonly skipped: readonly ReportedSkip[];
  /** Of the compiler, sorted. */
  readonly warnings: readonly string[];
  /** What the cache did, if one was asked for. */
  readonly cache: (CacheCounts & { readonly problems: readonly string[] }) | undefined;
  /** Files that were written; in a dry run, that would be. */
  readonly manifest: string | undefined;
  readonly html: string | undefined;
  readonly filelists: readonly string[];
  readonly seconds: Readonly<Record<Stage, number>>;
}
