import type { PayloadPath, StagedPath } from '../files/path.ts';
import type { InterpreterRequest } from './python-directory.ts';

/** A Python source to compile, as it was found. */
export interface Source {
  readonly staged: StagedPath;
  readonly payload: PayloadPath;
  /** The regular file with its text: another path than `staged` where that is a symlink. */
  readonly content: StagedPath;
  /** False if `staged` is a symlink that only the installed system can follow. */
  readonly physical: boolean;
  readonly interpreter: InterpreterRequest | 'supported-pythons';
  readonly sizeBytes: number;
  /** As a pyc header has it: whole seconds, towards zero. */
  readonly mtimeSeconds: number;
}

/** The mtime as a pyc header has it: whole seconds, towards zero. */
export function mtimeSecondsOf(stat: { readonly mtimeMs: number }): number {
  return Math.trunc(stat.mtimeMs / 1000);
}
