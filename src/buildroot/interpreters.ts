import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type Buildroot, childOf, contains, type StagedPath } from './path.ts';
import type { InterpreterRequest } from './python-directory.ts';

/** Where distributions install interpreters; looked at before PATH, whose first entries may be shims. */
const systemDirectory = '/usr/bin';

/**
 * The programs that may be the interpreter asked for, best first. Whether one is, only starting it can tell.
 * Nothing from inside the buildroot is ever a candidate.
 * @param searchPath the value of PATH
 */
export function interpreterCandidates(
  buildroot: Buildroot,
  request: InterpreterRequest,
  searchPath: string,
): readonly string[] {
  const named = request.command.includes('/')
    ? [request.command]
    : [request.home ?? systemDirectory, systemDirectory, ...searchPath.split(':')]
        .filter((directory) => directory.startsWith('/'))
        .map((directory) => childOf(directory as StagedPath, request.command));
  const places = (path: string) => [
    childOf(realpathSync.native(dirname(path)) as StagedPath, basename(path)),
    realpathSync.native(path),
  ];
  return [...new Set(named)].filter(
    (path) => isProgram(path) && !places(path).some((place) => contains(buildroot.path, place)),
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
