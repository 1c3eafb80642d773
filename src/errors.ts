/** Exit statuses. Problems have their own status, so that a build script can distinguish them from failures. */
export const exitStatus = {
  /** The work was done and nothing is wrong. */
  done: 0,
  /** The work was done; it found sources that do not compile, or findings of verify. */
  problems: 1,
  /** The call, the environment or the buildroot cannot be used. That build changed nothing: brp and dh run several. */
  unusable: 2,
  /** A tool failed: interpreter, worker, rpm; or the disk or a quota is full. */
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

/** The status of a run with these problems. @param problems for each, its system error and maybe other words */
export function statusOf(problems: readonly string[]) {
  if (problems.some((problem) => /\b(?:ENOSPC|EDQUOT)\b/.test(problem))) return exitStatus.toolFailed;
  return problems.length === 0 ? exitStatus.done : exitStatus.problems;
}

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

/** An error that looks like a system error, for a case that the system does not report. @param code its errno name */
export function systemError(code: string, meaning: string): Error {
  return Object.assign(new Error(`${code}: ${meaning}`), { code });
}

/** File system errors that libuv, and so Node.js, has no names for. Only MIPS has other numbers. */
const unnamed: ReadonlyMap<number, string> = new Map([
  [37, 'ENOLCK: no locks available'],
  [74, 'EBADMSG: bad message'],
  [116, 'ESTALE: stale file handle'],
  [117, 'EUCLEAN: structure needs cleaning'],
  [122, 'EDQUOT: disk quota exceeded'],
  [126, 'ENOKEY: required key not available'],
]);

/** How Node.js names errors that libuv does not know. */
const unknown = /^(?:UNKNOWN: unknown error|(Unknown system error -\d+): \1)(?=,|$)/;

/** The errno name (`ENOENT`, `EXDEV`, …) of a system error, or undefined for any other value. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return undefined;
  if (error instanceof PyclinkError) return undefined;
  return nameUnknownToNode(error)?.replace(/:.*/, '') ?? error.code;
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const name = nameUnknownToNode(error);
  return name === undefined ? error.message : error.message.replace(unknown, name);
}

/** The message of a system error without the call and the names of files, as in `EPERM: operation not permitted`. */
export function refusalOf(error: unknown): string {
  return messageOf(error).replace(/,.*/s, '');
}

/** The name and meaning of a system error that Node.js calls unknown. */
function nameUnknownToNode(error: Error): string | undefined {
  if (!('errno' in error && typeof error.errno === 'number' && unknown.test(error.message))) return undefined;
  return unnamed.get(-error.errno) ?? `errno ${-error.errno}`;
}
