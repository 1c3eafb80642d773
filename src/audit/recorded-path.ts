import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import type { PayloadPath } from '../files/path.ts';
import type { Payload } from '../payload/payload.ts';

/**
 * Returns a function that says whether a pyc records a path other than that of its source.
 * @returns its `container` is that of the pyc; `/` is the running system, which may contain a staged part of another
 *   system
 */
export function elsewhereIn(payload: Payload) {
  const files = payload.all.filter(({ type }) => type === 'file');
  const isSystem = files.some(({ path }) => path.startsWith('/usr/')) || files.every(({ path }) => topLevel.test(path));
  return (recorded: string, source: PayloadPath, container: string): boolean => {
    if (recorded === source || `/usr${recorded}` === source) return false;
    // In a wheel, in an application, or in a directory that is part of a system, paths lack their beginning.
    const isPart = container !== '/' && !(isSystem && topLevel.test(source));
    if (isPart && `/${recorded}`.endsWith(source)) return false;
    if (container === '/' && source.endsWith(recorded) && isWholeEnough(recorded)) return false;
    // A path through symlinks of the payload leads to the source too.
    return !recorded.startsWith('/') || payload.realPath(recorded as PayloadPath) !== payload.realPath(source);
  };
}

/** The top-level directories of a system. An application may have packages of the same names. */
const topLevel = /^\/(?:usr|lib|lib64|bin|sbin|opt|etc|srv|var|home|root|nix|app)\//;

/** Whether a suffix of a staged source's path may start at the top of its system, including its prefix. */
function isWholeEnough(recorded: string): boolean {
  const library = pythonDirectoryOf(recorded as PayloadPath)?.directory;
  return library === undefined ? /^\/[^/]+\/[^/]+\//.test(recorded) : /^\/(?!lib(?:64)?\/)/.test(library);
}
