import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openBuildroot, openTree } from '../buildroot/open.ts';
import type { Buildroot } from '../buildroot/path.ts';
import type { InterpreterRequest } from '../buildroot/python-directory.ts';
import { pythonPlaces } from '../buildroot/running-system.ts';
import type { Environment } from '../compile/environment.ts';
import { contains } from '../files/path.ts';
import type { Skipped } from '../skipped.ts';
import type { BuildOptions } from './options.ts';

/** Opens the tree of a build. Without `--strip`, `--prepend` is where it will be installed. @throws PyclinkError */
export function openTreeOf({ inPlace, chroot, buildroot: given, strip, prepend }: BuildOptions): Buildroot {
  if (inPlace) return openTree('/');
  const buildroot = openBuildroot(given, strip === undefined ? prepend : '/');
  return chroot ? { ...buildroot, isSystem: true } : buildroot;
}

/** What to compile in the running system if no PATHs are given. */
interface SystemPaths {
  /** The directories of its interpreters, and virtual environments. */
  readonly paths: readonly string[];
  /** Interpreters that were not asked for their directories, with the reason. */
  readonly passedOver: readonly string[];
  /** Directories that were not searched for virtual environments. */
  readonly skipped: readonly Skipped[];
}

/** Finds out what to compile in the running system if no PATHs are given. */
export async function pathsOfSystem(environment: Environment): Promise<SystemPaths> {
  const { systemDirectories } = await import('../compile/system-directories.ts');
  const { VIRTUAL_ENV: active } = environment;
  const { environments, libraries, otherFileSystems } = pythonPlaces();
  const others = libraries.filter((library) => !environments.some((directory) => contains(directory, library)));
  const { directories, passedOver } = await systemDirectories(environment, others);
  const all = [...directories, ...environments, ...(active ? [resolve(active)] : [])];
  return {
    paths: [...new Set(all)].filter((path) => existsSync(path)),
    passedOver,
    skipped: otherFileSystems.map((path) => ({ path, reason: 'other-file-system' })),
  };
}

/** The interpreter of the active virtual environment, if there is one. */
export function activeInterpreter({ VIRTUAL_ENV: directory }: Environment): InterpreterRequest | undefined {
  return directory ? { command: join(resolve(directory), 'bin/python') } : undefined;
}
