import { join } from 'node:path';
import { ifRefused } from '../files/if-possible.ts';
import { childOf, type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';
import { readRegular } from '../files/read-regular.ts';
import { lstat, lstatIfAny, wholeSeconds } from '../files/stat.ts';
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

/** Examines files one at a time. Caches what it learns about directories. */
export class Examiner {
  readonly #buildroot: Buildroot;
  readonly #python: InterpreterRequest | undefined;
  readonly #otherwise: InterpreterRequest | undefined;
  readonly #environments = new Map<StagedPath, StagedPath | undefined>();
  readonly #caches = new Map<StagedPath, 'none' | 'symlink' | 'other'>();
  readonly #homes = new Map<PayloadPath, string | undefined>();
  readonly #requests = new Map<string, InterpreterRequest>();

  constructor(buildroot: Buildroot, { python, otherwise }: ChosenInterpreters) {
    this.#buildroot = buildroot;
    this.#python = python;
    this.#otherwise = otherwise;
  }

  /**
   * @param beside the virtual environment next to the PATH
   * @returns the source; or the reason why it is not one; or the system's error
   */
  source(file: Found, payload: PayloadPath, beside?: StagedPath): Source | SkipReason | { readonly error: unknown } {
    return ifRefused(
      () => this.#source(file, payload, beside),
      (error) => ({ error }),
    );
  }

  #source(file: Found, payload: PayloadPath, beside: StagedPath | undefined): Source | SkipReason {
    if (file.type === 'other') return 'not-a-regular-file';
    const content: Resolved =
      file.type === 'file'
        ? { kind: 'inside', path: file.path, physical: true }
        : resolveInBuildroot(this.#buildroot, file.path);
    if (content.kind !== 'inside') return content.kind === 'outside' ? 'symlink-outside' : 'dangling-symlink';
    const stat = lstat(content.path);
    if (stat.kind !== 'file') return 'not-a-regular-file';
    const cache = this.#cacheOf(parentOf(file.path));
    if (cache === 'symlink') return 'cache-is-symlink';
    return {
      staged: file.path,
      payload,
      content: content.path,
      physical: content.physical,
      hasCache: cache !== 'none',
      interpreter: this.#interpreter(file.path, payload, beside),
      sizeBytes: stat.sizeBytes,
      mtimeSeconds: wholeSeconds(stat.modifiedNs),
    };
  }

  /** What a directory contains under the name `__pycache__`. */
  #cacheOf(directory: StagedPath): 'none' | 'symlink' | 'other' {
    return getOrAdd(this.#caches, directory, () => {
      const stat = lstatIfAny(childOf(directory, '__pycache__'));
      return stat === undefined ? 'none' : stat.kind === 'symlink' ? 'symlink' : 'other';
    });
  }

  #interpreter(staged: StagedPath, payload: PayloadPath, beside: StagedPath | undefined): Source['interpreter'] {
    const environment = this.#environment(parentOf(staged));
    if (environment !== undefined) {
      return this.#shared({ command: join(environment, 'bin/python'), otherwise: this.#python });
    }
    if (this.#python !== undefined) return this.#shared(this.#python);
    const place = pythonDirectoryOf(payload);
    if (place?.kind === 'supported-pythons') return 'supported-pythons';
    if (place?.kind !== 'interpreter') {
      const command = guessCommand(payload);
      if (command !== 'python3') return this.#shared({ command });
      const otherwise = this.#otherwise ?? { command };
      return this.#shared(beside === undefined ? otherwise : { command: join(beside, 'bin/python'), otherwise });
    }
    return this.#shared({ command: place.command, home: this.#home(place.directory) });
  }

  /** The virtual environment whose interpreter runs the modules of a directory. In a staged tree it is only read. */
  #environment(directory: StagedPath): StagedPath | undefined {
    if (!isRunningSystem(this.#buildroot)) return undefined;
    return getOrAdd(this.#environments, directory, () => environmentAround(directory));
  }

  /** Returns the same object for equal requests. */
  #shared(request: InterpreterRequest): InterpreterRequest {
    return getOrAdd(this.#requests, requestKey(request), () => request);
  }

  #home(directory: PayloadPath): string | undefined {
    return getOrAdd(this.#homes, directory, () => {
      const file = join(toStaged(this.#buildroot, directory), '../../pyvenv.cfg');
      const environment = readRegular(file)?.content.toString();
      if (environment !== undefined) return homeOfEnvironment(environment);
      const isSystem = isRunningSystem(this.#buildroot) || this.#buildroot.isSystem === true;
      return isSystem ? join(directory, '../../bin') : undefined;
    });
  }
}
