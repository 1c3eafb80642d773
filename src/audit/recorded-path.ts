import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import type { PayloadPath } from '../files/path.ts';

/**
 * Whether a pyc records another path than that of its source.
 * @param container of the pyc; `/` is the running system, in which a part of another may be staged
 */
export function isElsewhere(recorded: string, source: PayloadPath, container: string): boolean {
  if (recorded === source || `/usr${recorded}` === source) return false;
  // Of a wheel, or of a directory that is a part of a system, the paths lack their beginning.
  if (container !== '/' && !topLevel.test(source)) return !recorded.endsWith(source);
  return container !== '/' || !source.endsWith(recorded) || !isWholeEnough(recorded);
}

/** The directories that systems have at their top. */
const topLevel = /^\/(?:usr|lib|lib64|bin|sbin|opt|etc|srv|var|home|root|nix|app)\//;

/** Whether a path that ends that of a staged source may begin at the top of its system: with the prefix that it is in. */
function isWholeEnough(recorded: string): boolean {
  const library = pythonDirectoryOf(recorded as PayloadPath)?.directory;
  return library === undefined ? /^\/[^/]+\/[^/]+\//.test(recorded) : /^\/(?!lib(?:64)?\/)/.test(library);
}
