/** Exit statuses. Problems that were found have their own, so that a build script can tell them from a failure. */
export const exitStatus = {
  /** The work was done and nothing is wrong. */
  done: 0,
  /** The work was done; it found sources that do not compile, or findings of verify. */
  problems: 1,
  /** The call, the environment or the buildroot cannot be used. Nothing was touched. */
  unusable: 2,
  /** A tool failed on the way: interpreter, worker, rpm, disk. */
  toolFailed: 3,
  /** A bug in pyclink. */
  bug: 70,
  /** Ended by SIGINT or SIGTERM: 128 plus the signal, as shells have it. */
  interrupted: 130,
  terminated: 143,
} as const;

const statusOfCode = {
  usage: exitStatus.unusable,
  'buildroot-unusable': exitStatus.unusable,
  'interpreter-missing': exitStatus.unusable,
  'manifest-unusable': exitStatus.unusable,
  'pyc-unusable': exitStatus.unusable,
  'worker-failed': exitStatus.toolFailed,
  'file-failed': exitStatus.toolFailed,
  'tool-failed': exitStatus.toolFailed,
  'cache-differs': exitStatus.toolFailed,
} as const;

/** The kinds of failure that end a run. Outcomes of single files are data, never exceptions. */
export type ErrorCode = keyof typeof statusOfCode;

export interface ErrorDetails {
  /** The file or directory that failed. */
  readonly path?: string | undefined;
  /** What the user can do about it. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** A failure that ends the run, with its message and exit status. */
export class PyclinkError extends Error {
  override readonly name = 'PyclinkError';
  readonly code: ErrorCode;
  readonly exitStatus: number;
  readonly path: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.exitStatus = statusOfCode[code];
    this.path = details.path;
    this.hint = details.hint;
  }
}

/** The errno name (`ENOENT`, `EXDEV`, …) of a system error, or undefined for any other value. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
