import type { Source, SourceFile } from '../buildroot/source.ts';
import { nameOf } from '../files/path.ts';
import type { InvalidationMode } from '../pyc/header.ts';
import { type Layout, type Level, pycPath } from '../pyc/name.ts';
import type { Pyc } from '../pyc/pyc.ts';
import { releaseOf } from '../pyc/releases.ts';
import type { Interpreter } from './interpreter.ts';

/** One source for one interpreter. Small, because a build may have 100,000 of them. */
export interface CompileJob<S extends SourceFile = SourceFile> {
  readonly source: S;
  readonly interpreter: Interpreter;
  readonly levels: readonly Level[];
  readonly recorded: RecordedName;
  readonly layout: Layout;
}

/** How to derive the path that bytecode records from the staged path. */
export interface RecordedName {
  /** Removed from the start of the staged path, of which it must be a prefix. */
  readonly strip: string;
  /** Added before the rest. */
  readonly prepend: string;
}

/** How pycs are invalidated. */
export interface Invalidation {
  readonly invalidationMode: InvalidationMode;
  /**
   * Use hashes instead of mtimes for empty sources: ostree and Flatpak do not keep the mtime of an empty file. Hashing
   * an empty file costs Python nothing.
   */
  readonly emptyByHash?: boolean;
}

/** The invalidation mode of a job's pycs. @see PEP 552, which Python 3.6 does not support */
export function invalidationModeOf(
  { source, interpreter }: CompileJob,
  { invalidationMode, emptyByHash }: Invalidation,
): InvalidationMode {
  if (releaseOf(interpreter.magicNumber).headerSizeBytes <= 12) return 'timestamp';
  const isByHash = emptyByHash === true && source.sizeBytes === 0 && invalidationMode === 'timestamp';
  return isByHash ? 'checked-hash' : invalidationMode;
}

/** Plans a job for each source and interpreter. */
export function planCompile(
  sources: readonly Source[],
  interpretersOf: (source: Source) => readonly Interpreter[],
  levels: readonly Level[],
  recorded: RecordedName,
  layout: Layout = 'pycache',
): CompileJob<Source>[] {
  return sources.flatMap((source) =>
    interpretersOf(source).map((interpreter) => ({ source, interpreter, levels, recorded, layout })),
  );
}

/** The pycs of a job, in the order of the levels. */
export function pycsOf(job: CompileJob): Pick<Pyc, 'level' | 'path'>[] {
  return job.levels.map((level) => pycOf(job, level));
}

/** The pyc of a job at one level. */
export function pycOf({ source, interpreter, layout }: CompileJob, level: Level): Pick<Pyc, 'level' | 'path'> {
  return { level, path: pycPath(source.staged, interpreter.cacheTag, level, layout) };
}

/** The directory part of `co_filename`. */
export function recordedDirectoryOf({ source, recorded: { strip, prepend } }: CompileJob): string {
  const relative = source.staged.slice(strip === '/' ? 1 : strip.length + 1);
  const directory = relative.slice(0, -nameOf(relative).length - 1);
  return [prepend.replace(/(?<=.)\/$/, ''), directory]
    .filter((part) => part !== '')
    .join('/')
    .replace(/^\/\//, '/');
}

/** The path that bytecode of a job records: `co_filename`. */
export function recordedPathOf(job: CompileJob): string {
  const directory = recordedDirectoryOf(job);
  return (directory === '' || directory.endsWith('/') ? directory : `${directory}/`) + nameOf(job.source.staged);
}

/**
 * The permission bits of a new pyc before the umask, derived from those of its source.
 * @see _calc_mode in importlib._bootstrap_external
 */
export function pycModeFor(sourceMode: number): number {
  return (sourceMode | 0o200) & 0o666;
}
