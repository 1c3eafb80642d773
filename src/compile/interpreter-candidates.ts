import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Buildroot, isInside, toStaged } from '../buildroot/path.ts';
import type { InterpreterRequest } from '../buildroot/python-directory.ts';
import { resolveInBuildroot } from '../buildroot/resolve.ts';
import { isRunningSystem } from '../buildroot/running-system.ts';
import { foreignWriter } from '../files/foreign-writer.ts';
import { childOf, contains, type StagedPath } from '../files/path.ts';
import { isProgram } from '../files/program-path.ts';
import { readRegular } from '../files/read-regular.ts';
import { type Candidate, trusted } from './trusted-program.ts';

/** Where distributions install interpreters. Searched before PATH, which may begin with shims. */
export const systemDirectory = '/usr/bin';

/**
 * The programs that may be the requested interpreter, best first. Starting one shows whether it is. Leaves out programs
 * in the buildroot, unless the request allows them or the tree is the running system: PATH then decides, as for its
 * users. A program that was found, and not named by its path, may be distrusted.
 * @param searchPath the value of PATH
 */
export function interpreterCandidates(
  buildroot: Buildroot,
  request: InterpreterRequest,
  searchPath: string,
): readonly Candidate[] {
  const named = request.command.includes('/')
    ? [request.command]
    : (isRunningSystem(buildroot)
        ? [request.home ?? '', ...searchPath.split(':'), systemDirectory]
        : [request.home ?? systemDirectory, systemDirectory, ...searchPath.split(':')]
      )
        .filter((directory) => directory.startsWith('/'))
        .map((directory) => childOf(directory as StagedPath, request.command));
  const places = (path: string) => [
    childOf(realpathSync.native(dirname(path)) as StagedPath, basename(path)),
    realpathSync.native(path),
  ];
  const programs = [...new Set(named)].filter(
    (path) =>
      isProgram(path) &&
      (request.mayBeStaged === true ||
        isRunningSystem(buildroot) ||
        !places(path).some((place) => contains(buildroot.path, place))),
  );
  const others = request.otherwise === undefined ? [] : interpreterCandidates(buildroot, request.otherwise, searchPath);
  const isNamed = (path: string) =>
    isNamedPath(request) || others.some((other) => 'path' in other && isSameProgram(other.path, path));
  return [...programs.map((path) => (isNamed(path) ? { path } : trusted(path))), ...others];
}

function isNamedPath({ command, isNamed }: InterpreterRequest): boolean {
  return isNamed === true && command.includes('/');
}

/** Whether two existing paths lead to the same program. */
export function isSameProgram(a: string, b: string): boolean {
  return realpathSync.native(a) === realpathSync.native(b);
}

/**
 * The programs of the buildroot that may be the requested interpreter, best first, as paths in the buildroot without
 * symlinks. One that was found, and not named by its path, may be distrusted, because root can leave a chroot.
 */
export function chrootCandidates(buildroot: Buildroot, request: InterpreterRequest): readonly Candidate[] {
  const { command, home } = request;
  const named = command.includes('/')
    ? [command]
    : [home ?? systemDirectory, systemDirectory, '/usr/local/bin', '/bin'].map((directory) => join(directory, command));
  const programs = named.flatMap((path) => {
    if (!isInside(buildroot, path)) return [];
    const place = resolveInBuildroot(buildroot, toStaged(buildroot, path));
    return place.kind === 'inside' && isProgram(place.path) ? [place.path] : [];
  });
  return [...new Set(programs)].map((staged) => {
    const problem = isNamedPath(request) ? undefined : foreignWriter(staged);
    return problem === undefined
      ? { path: staged.slice(buildroot.path.length) }
      : { distrusted: `${staged} is not started: ${problem}` };
  });
}

/** Debian's list of its Python versions. */
export const debianDefaults = '/usr/share/python3/debian_defaults';

/**
 * The python3 versions that Debian lists as supported; on other systems just `python3`.
 * @param file read like py3versions and dh-python do; the environment takes precedence
 * @see py3versions(1), debpython/version.py
 */
export function supportedPythons(
  environment: Readonly<Record<string, string | undefined>>,
  file: string = debianDefaults,
): readonly InterpreterRequest[] {
  const listed = /^supported-versions\s*[=:](.*)$/m.exec(readRegular(file)?.content.toString() ?? '')?.[1];
  const names = (environment['DEBPYTHON3_SUPPORTED'] || listed || '').split(',');
  const versions = names.flatMap((name) => /^\s*(?:python)?(3\.\d+)\s*$/.exec(name)?.[1] ?? []);
  return versions.length === 0
    ? [{ command: 'python3' }]
    : versions.map((version) => ({ command: `python${version}` }));
}
