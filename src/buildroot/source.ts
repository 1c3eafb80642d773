import type { PayloadPath, StagedPath } from '../files/path.ts';
import type { InterpreterRequest } from './python-directory.ts';

/** A Python source. */
export interface SourceFile {
  readonly staged: StagedPath;
  readonly payload: PayloadPath;
  /** The regular file with its text. Differs from `staged` if that is a symlink. */
  readonly content: StagedPath;
  /** False if `staged` is a symlink that only the installed system can follow. */
  readonly physical: boolean;
  /** Whether its directory had a `__pycache__` when it was found. If not, there are no old pycs. */
  readonly hasCache: boolean;
  readonly sizeBytes: number;
  /** Whole seconds, as Python reads them and writes them into a pyc header. */
  readonly mtimeSeconds: number;
}

/** Whether a source is a file, not a symlink. */
export function isRegular({ staged, content }: SourceFile): boolean {
  return staged === content;
}

/** A Python source to compile, and the interpreter that it needs. */
export interface Source extends SourceFile {
  readonly interpreter: InterpreterRequest | 'supported-pythons';
}
