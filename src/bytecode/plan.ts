import { nameOf, type PayloadPath, type StagedPath } from '../buildroot/path.ts';
import type { Source } from '../buildroot/source.ts';
import type { Interpreter } from './interpreter.ts';
import { type Level, pycPath } from './pyc-name.ts';

/** A pyc that is to be written. */
export interface PlannedPyc {
  readonly level: Level;
  readonly staged: StagedPath;
  readonly payload: PayloadPath;
}

/** One source for one interpreter: the unit of work of a worker. */
export interface CompileJob {
  readonly source: Source;
  readonly interpreter: Interpreter;
  /** The directory part of `co_filename`. */
  readonly recordedDirectory: string;
  /** In the order of the levels. */
  readonly pycs: readonly PlannedPyc[];
}

/** What the bytecode says about where its source lies. */
export interface RecordedName {
  /** Taken off the front of the staged path, which it has to be a prefix of. */
  readonly strip: string;
  /** Put in front of what remains. */
  readonly prepend: string;
}

/** Says which pycs each interpreter writes for each source. */
export function planCompile(
  sources: readonly Source[],
  interpretersOf: (source: Source) => readonly Interpreter[],
  levels: readonly Level[],
  recorded: RecordedName,
): CompileJob[] {
  return sources.flatMap((source) =>
    interpretersOf(source).map((interpreter) => ({
      source,
      interpreter,
      recordedDirectory: recordedDirectory(source.staged, recorded),
      pycs: levels.map((level) => ({
        level,
        staged: pycPath(source.staged, interpreter.cacheTag, level),
        payload: pycPath(source.payload, interpreter.cacheTag, level),
      })),
    })),
  );
}

function recordedDirectory(staged: StagedPath, { strip, prepend }: RecordedName): string {
  const relative = staged.slice(strip === '/' ? 1 : strip.length + 1);
  const directory = relative.slice(0, -nameOf(relative).length - 1);
  return [prepend.replace(/(?<=.)\/$/, ''), directory]
    .filter((part) => part !== '')
    .join('/')
    .replace(/^\/\//, '/');
}
