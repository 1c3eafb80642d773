import { join } from 'node:path';
import { ifRefused } from '../files/if-possible.ts';
import { childOf, type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';
import { readRegular } from '../files/read-regular.ts';
import { type FileStat, lstat, lstatIfAny, wholeSeconds } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { SkipReason } from '../skipped.ts';
import { type Buildroot, toStaged } from './path.ts';
import {
  guessCommand,
  homeOfEnvironment,
  type InterpreterRequest,
  pythonDirectoryOf,
  requestKey,
} from './python-directory.ts';
import { type Resolved, resolveInBuildroot } from './resolve.ts';
import { environmentAround, isRunningSystem } from './running-system.ts';
import type { Source } from './source.ts';
import type { Found } from './walk.ts';

/** Interpreters that the user chose. */
export interface ChosenInterpreters {
  /** The interpreter for all sources. */
  readonly python?: InterpreterRequest | undefined;
  /** The interpreter for sources whose path does not name one. */
  readonly otherwise?: InterpreterRequest | undefined;
}

/**
 * Returns a function that examines one file at a time. It caches what it learns about directories, and returns the
 * source; or the reason why the file is not one; or the system's error. `beside` is the virtual environment next to the
 * PATH.
 */
export function examiner(buildroot: Buildroot, { python, otherwise }: ChosenInterpreters) {
  const isLive = isRunningSystem(buildroot);
  const environments = new Map<StagedPath, StagedPath | undefined>();
  const caches = new Map<StagedPath, FileStat['kind'] | undefined>();
  const homes = new Map<PayloadPath, string | undefined>();
  const requests = new Map<string, InterpreterRequest>();

  /** Returns the same object for equal requests. */
  const shared = (request: InterpreterRequest) => getOrAdd(requests, requestKey(request), () => request);

  const homeOf = (directory: PayloadPath): string | undefined => {
    const file = join(toStaged(buildroot, directory), '../../pyvenv.cfg');
    const environment = readRegular(file)?.content.toString();
    if (environment !== undefined) return homeOfEnvironment(environment);
    return isLive || buildroot.isSystem === true ? join(directory, '../../bin') : undefined;
  };

  const interpreterOf = (staged: StagedPath, payload: PayloadPath, beside?: StagedPath): Source['interpreter'] => {
    const directory = parentOf(staged);
    // The interpreter of a virtual environment compiles what is in it. One in a staged tree is never started.
    const around = isLive ? getOrAdd(environments, directory, () => environmentAround(directory)) : undefined;
    if (around !== undefined) return shared({ command: join(around, 'bin/python'), otherwise: python });
    if (python !== undefined) return shared(python);
    const place = pythonDirectoryOf(payload);
    if (place?.kind === 'supported-pythons') return 'supported-pythons';
    if (place?.kind === 'interpreter') {
      const home = getOrAdd(homes, place.directory, () => homeOf(place.directory));
      return shared({ command: place.command, home });
    }
    const command = guessCommand(payload);
    if (command !== 'python3') return shared({ command });
    const unnamed = otherwise ?? { command };
    return shared(beside === undefined ? unnamed : { command: join(beside, 'bin/python'), otherwise: unnamed });
  };

  const examine = (file: Found, payload: PayloadPath, beside?: StagedPath): Source | SkipReason => {
    if (file.type === 'other') return 'not-a-regular-file';
    const content: Resolved =
      file.type === 'file'
        ? { kind: 'inside', path: file.path, physical: true }
        : resolveInBuildroot(buildroot, file.path);
    if (content.kind !== 'inside') return content.kind === 'outside' ? 'symlink-outside' : 'dangling-symlink';
    const stat = lstat(content.path);
    if (stat.kind !== 'file') return 'not-a-regular-file';
    const directory = parentOf(file.path);
    const cache = getOrAdd(caches, directory, () => lstatIfAny(childOf(directory, '__pycache__'))?.kind);
    if (cache === 'symlink') return 'cache-is-symlink';
    return {
      staged: file.path,
      payload,
      content: content.path,
      physical: content.physical,
      hasCache: cache !== undefined,
      interpreter: interpreterOf(file.path, payload, beside),
      sizeBytes: stat.sizeBytes,
      mtimeSeconds: wholeSeconds(stat.modifiedNs),
    };
  };
  return (...[file, payload, beside]: Parameters<typeof examine>) =>
    ifRefused(
      () => examine(file, payload, beside),
      (error) => ({ error }),
    );
}
