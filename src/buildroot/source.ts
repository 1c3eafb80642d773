import type { PayloadPath, StagedPath } from '../files/path.ts';
import { lstat, wholeSeconds } from '../files/stat.ts';
import { type Buildroot, toPayload } from './path.ts';
import type { InterpreterRequest } from './python-directory.ts';
import { resolveInBuildroot } from './resolve.ts';

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

/**
 * The source at a path, whose symlinks are followed as on the installed system.
 * @returns undefined if the path does not lead to a file in the tree
 * @throws the system's error
 */
export function sourceAt(buildroot: Buildroot, staged: StagedPath): SourceFile | undefined {
  const place = resolveInBuildroot(buildroot, staged);
  if (place.kind !== 'inside') return undefined;
  const { path: content, physical } = place;
  const { kind, sizeBytes, modifiedNs } = lstat(content);
  if (kind !== 'file') return undefined;
  const payload = toPayload(buildroot, staged);
  return { staged, payload, content, physical, hasCache: true, sizeBytes, mtimeSeconds: wholeSeconds(modifiedNs) };
}

/** Whether a source is a file, not a symlink. */
export function isRegular({ staged, content }: SourceFile): boolean {
  return staged === content;
}

/** A Python source to compile, and the interpreter that it needs. */
export interface Source extends SourceFile {
  readonly interpreter: InterpreterRequest | 'supported-pythons';
}
