import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import type { PayloadPath } from '../files/path.ts';
import type { Payload } from '../payload/payload.ts';

/** Returns a function that says whether a pyc of a container records a path other than that of its source. */
export function elsewhereIn(payload: Payload) {
  const [whole, others] = [new Set(['/']), new Set<string>()];
  for (const { path, type, container } of payload.all) {
    if (path.startsWith('/usr/')) whole.add(container);
    else if (type === 'file' && !topLevel.test(path)) others.add(container);
  }
  return (recorded: string, source: PayloadPath, container: string): boolean => {
    if (recorded === source || `/usr${recorded}` === source) return false;
    // In a wheel, in an application, or in a directory that is part of a system, paths lack their beginning.
    const isPart = others.has(container) && !whole.has(container);
    if (isPart && `/${recorded}`.endsWith(source)) return false;
    // The running system may contain a staged part of another system.
    if (container === '/' && source.endsWith(recorded) && isWholeEnough(recorded)) return false;
    // A path through symlinks of the payload leads to the source too.
    return !recorded.startsWith('/') || payload.realPath(recorded as PayloadPath) !== payload.realPath(source);
  };
}

/** What a package or a system without /usr has. An application may have packages of the same names, and others. */
const topLevel = /^\/(?:usr|lib|lib64|bin|sbin|opt|etc|srv|var|home|root|nix|app)\//;

/** Whether a suffix of a staged source's path may start at the top of its system, including its prefix. */
function isWholeEnough(recorded: string): boolean {
  const library = pythonDirectoryOf(recorded as PayloadPath)?.directory;
  return library === undefined ? /^\/[^/]+\/[^/]+\//.test(recorded) : /^\/(?!lib(?:64)?\/)/.test(library);
}
