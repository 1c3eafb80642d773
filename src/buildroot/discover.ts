import { join } from 'node:path';
import { errnoOf } from '../errors.ts';
import { byCodeUnit, childOf, contains, type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';
import { readRegular } from '../files/read-regular.ts';
import { lstat, lstatIfAny, wholeSeconds } from '../files/stat.ts';
import type { Skipped, SkipReason } from '../skipped.ts';
import { type Buildroot, toPayload, toStaged } from './path.ts';
import {
  guessCommand,
  homeOfEnvironment,
  type InterpreterRequest,
  pythonDirectoryOf,
  requestKey,
} from './python-directory.ts';
import { type Resolved, resolveInBuildroot } from './resolve.ts';
import { environmentAround, environmentBeside, isRunningSystem, walkLimits } from './running-system.ts';
import type { Source } from './source.ts';
import { startingPoints } from './starting-points.ts';
import { type Found, type Walk, type WalkLimits, walk } from './walk.ts';

export interface Discovered {
  /** Sorted by payload path, each path once. */
  readonly sources: readonly Source[];
  readonly skipped: readonly Skipped[];
}

/** Without paths: which sources are compiled, in place of those of every Python directory. */
export interface Only {
  /** Their installed paths. */
  readonly matching: RegExp;
  /** What a later run compiles, as staged or payload paths: no source below is reported as left out. */
  readonly later: readonly string[];
}

export interface DiscoverOptions {
  /** Staged or payload paths. None: every Python directory in the buildroot. */
  readonly paths: readonly string[];
  readonly only?: Only | undefined;
  /** The interpreter that the user named for all of them. */
  readonly python?: InterpreterRequest | undefined;
  /** Where nothing else says which interpreter it is. */
  readonly otherwise?: InterpreterRequest | undefined;
  readonly isExcluded: (staged: StagedPath, payload: PayloadPath) => boolean;
}

/**
 * Finds the sources to compile, and the interpreter that each one needs.
 * @throws PyclinkError `usage` for a PATH that is relative, missing, or leads out of the buildroot
 */
export function discover(buildroot: Buildroot, options: DiscoverOptions): Discovered {
  const sources = new Map<StagedPath, Source>();
  const skipped = new Map<string, Skipped>();
  const skip = (path: string, reason: SkipReason, message?: string) =>
    skipped.set(path, { path, reason, ...(message === undefined ? {} : { message }) });
  const examine = new Examiner(buildroot, options);
  const limits = walkLimits(buildroot);

  const everywhere = options.paths.length === 0;
  const later = startingPoints(buildroot, options.only?.later ?? []);
  for (const root of everywhere ? [buildroot.path] : startingPoints(buildroot, options.paths)) {
    const environment = everywhere || !isRunningSystem(buildroot) ? undefined : environmentBeside(root);
    const { found, notUtf8, unreadable, otherFileSystems } = findIn(root, limits);
    for (const { shown: path } of notUtf8) {
      const payload = toPayload(buildroot, path as StagedPath);
      if (!everywhere || pythonDirectoryOf(payload)) skip(payload, 'name-not-utf8');
    }
    for (const { directory, error } of unreadable) {
      skip(toPayload(buildroot, directory as StagedPath), 'unreadable-directory', errnoOf(error));
    }
    for (const directory of otherFileSystems) skip(toPayload(buildroot, directory), 'other-file-system');
    for (const file of found) {
      const payload = toPayload(buildroot, file.path);
      const place = pythonDirectoryOf(payload);
      const unwanted = file.type === 'directory' || payload.includes('/__pycache__/') || (everywhere && !place);
      if (unwanted) continue;
      if (everywhere && options.only?.matching.test(payload) === false) {
        if (!later.some((point) => contains(point, file.path))) skip(payload, 'not-asked-for');
      } else if (options.isExcluded(file.path, payload)) skip(payload, 'excluded');
      else if (!/[^/]\.py$/.test(payload)) skip(payload, 'not-a-source');
      else if (place?.kind === 'python2' && options.python === undefined) skip(payload, 'python-2');
      else {
        const source = examine.source(file, payload, environment);
        if (typeof source === 'string') skip(payload, source);
        else if ('error' in source) skip(payload, 'unreadable', errnoOf(source.error));
        else sources.set(source.staged, source);
      }
    }
  }
  return {
    sources: [...sources.values()].sort((a, b) => byCodeUnit(a.payload, b.payload)),
    skipped: [...skipped.values()].sort((a, b) => byCodeUnit(a.path, b.path)),
  };
}

/** Examines one file at a time, and caches what it learns about directories. */
class Examiner {
  readonly #buildroot: Buildroot;
  readonly #python: InterpreterRequest | undefined;
  readonly #otherwise: InterpreterRequest | undefined;
  readonly #environments = new Map<StagedPath, StagedPath | undefined>();
  readonly #caches = new Map<StagedPath, 'none' | 'symlink' | 'other'>();
  readonly #homes = new Map<PayloadPath, string | undefined>();
  readonly #requests = new Map<string, InterpreterRequest>();

  constructor(buildroot: Buildroot, { python, otherwise }: DiscoverOptions) {
    this.#buildroot = buildroot;
    this.#python = python;
    this.#otherwise = otherwise;
  }

  /**
   * @param beside the virtual environment beside the PATH
   * @returns the source; or why it is none; or the system's error if that cannot be told
   */
  source(file: Found, payload: PayloadPath, beside?: StagedPath): Source | SkipReason | { readonly error: unknown } {
    try {
      return this.#source(file, payload, beside);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      return { error };
    }
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

  /** What a directory has in the place of `__pycache__`. */
  #cacheOf(directory: StagedPath): 'none' | 'symlink' | 'other' {
    let answer = this.#caches.get(directory);
    if (answer === undefined) {
      const stat = lstatIfAny(childOf(directory, '__pycache__'));
      answer = stat === undefined ? 'none' : stat.kind === 'symlink' ? 'symlink' : 'other';
      this.#caches.set(directory, answer);
    }
    return answer;
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

  /** The virtual environment that starts the interpreter of a directory. In a staged tree it is only read. */
  #environment(directory: StagedPath): StagedPath | undefined {
    if (!isRunningSystem(this.#buildroot)) return undefined;
    if (!this.#environments.has(directory)) this.#environments.set(directory, environmentAround(directory));
    return this.#environments.get(directory);
  }

  /** Interned: one request for all equal ones. */
  #shared(request: InterpreterRequest): InterpreterRequest {
    const key = requestKey(request);
    const shared = this.#requests.get(key) ?? request;
    this.#requests.set(key, shared);
    return shared;
  }

  #home(directory: PayloadPath): string | undefined {
    if (!this.#homes.has(directory)) {
      const file = join(toStaged(this.#buildroot, directory), '../../pyvenv.cfg');
      const environment = readRegular(file)?.content.toString();
      const isSystem = isRunningSystem(this.#buildroot) || this.#buildroot.isSystem === true;
      const besides = isSystem ? join(directory, '../../bin') : undefined;
      this.#homes.set(directory, environment === undefined ? besides : homeOfEnvironment(environment));
    }
    return this.#homes.get(directory);
  }
}

const nothing: Walk = { found: [], notUtf8: [], unreadable: [], otherFileSystems: [] };

/** What there is at a PATH: a file, or what is below a directory. */
function findIn(root: StagedPath, limits: WalkLimits): Walk {
  try {
    const { kind } = lstat(root);
    return kind === 'directory' ? walk(root, ['*.py'], limits) : { ...nothing, found: [{ path: root, type: kind }] };
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { ...nothing, unreadable: [{ directory: root, error }] };
  }
}
