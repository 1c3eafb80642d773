import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import type { PayloadPath } from '../files/path.ts';

/**
 * Whether a pyc records a path other than that of its source.
 * @param container of the pyc; `/` is the running system, which may contain a staged part of another system
 */
export function isElsewhere(recorded: string, source: PayloadPath, container: string): boolean {
  if (recorded === source || `/usr${recorded}` === source) return false;
  // In a wheel, or a directory that is part of a system, paths lack their beginning.
  if (container !== '/' && !topLevel.test(source)) return !recorded.endsWith(source);
  return container !== '/' || !source.endsWith(recorded) || !isWholeEnough(recorded);
}

/** The top-level directories of a system. */
const topLevel = /^\/(?:usr|lib|lib64|bin|sbin|opt|etc|srv|var|home|root|nix|app)\//;

/** Whether a suffix of a staged source's path may start at the top of its system, including its prefix. */
function isWholeEnough(recorded: string): boolean {
  const library = pythonDirectoryOf(recorded as PayloadPath)?.directory;
  return library === undefined ? /^\/[^/]+\/[^/]+\//.test(recorded) : /^\/(?!lib(?:64)?\/)/.test(library);
}
