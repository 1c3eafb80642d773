import { refusalOf } from '../errors.ts';
import { ifRefused } from '../files/if-possible.ts';
import { byCodeUnit, childOf, contains, nameOf, type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';
import { lstat } from '../files/stat.ts';
import type { Skipped, SkipReason } from '../skipped.ts';
import { type ChosenInterpreters, examiner } from './examiner.ts';
import { type Buildroot, toPayload } from './path.ts';
import { pythonDirectoryOf } from './python-directory.ts';
import { environmentBeside, isRunningSystem, walkLimits } from './running-system.ts';
import type { Source } from './source.ts';
import { startingPoints } from './starting-points.ts';
import { type Walk, type WalkLimits, walk } from './walk.ts';

export interface Discovered {
  /** Sorted by payload path, each path once. */
  readonly sources: readonly Source[];
  readonly skipped: readonly Skipped[];
  /** PATHs without any `.py`, as staged paths. */
  readonly withoutSources: readonly StagedPath[];
  /** Directories in which a killed run may have left temporary files: those of sources, `__pycache__`, `*.dist-info`. */
  readonly leftovers: readonly StagedPath[];
}

/** If there are no PATHs: the sources to compile instead of those in every Python directory. */
export interface Only {
  /** Their installed paths. */
  readonly matching: RegExp;
  /** Staged or payload paths that a later run compiles: no source below them is reported as left out. */
  readonly later: readonly string[];
}

export interface DiscoverOptions extends ChosenInterpreters {
  /** Staged or payload paths. If empty: every Python directory in the buildroot. */
  readonly paths: readonly string[];
  readonly only?: Only | undefined;
  readonly isExcluded: (staged: StagedPath, payload: PayloadPath) => boolean;
}

/**
 * Finds the sources to compile, and the interpreter that each of them needs.
 * @throws PyclinkError `usage` for a PATH that is relative, missing or outside the buildroot
 */
export function discover(buildroot: Buildroot, options: DiscoverOptions): Discovered {
  const sources = new Map<StagedPath, Source>();
  const skipped = new Map<string, Skipped>();
  const withoutSources: StagedPath[] = [];
  const leftovers = new Set<StagedPath>();
  const skip = (path: string, reason: SkipReason, message?: string) =>
    skipped.set(path, { path, reason, ...(message === undefined ? {} : { message }) });
  const examine = examiner(buildroot, options);
  const limits = walkLimits(buildroot);

  const everywhere = options.paths.length === 0;
  const later = startingPoints(buildroot, options.only?.later ?? []);
  for (const root of everywhere ? [buildroot.path] : startingPoints(buildroot, options.paths)) {
    const environment = everywhere || !isRunningSystem(buildroot) ? undefined : environmentBeside(root);
    const { found, notUtf8, unreadable, otherFileSystems } = findIn(root, limits);
    for (const { shown: path } of notUtf8) {
      const payload = toPayload(buildroot, path as StagedPath);
      if (path.endsWith('.py') && (!everywhere || pythonDirectoryOf(payload))) skip(payload, 'name-not-utf8');
    }
    for (const { directory, error } of unreadable) {
      skip(toPayload(buildroot, directory as StagedPath), 'unreadable-directory', refusalOf(error));
    }
    if (!everywhere && !found.some(({ path }) => path === root || path.endsWith('.py'))) withoutSources.push(root);
    for (const directory of otherFileSystems) skip(toPayload(buildroot, directory), 'other-file-system');
    for (const file of found) {
      if (file.path === root) leftovers.add(parentOf(root)).add(childOf(parentOf(root), '__pycache__'));
      else if (!file.path.endsWith('.py')) {
        leftovers.add(parentOf(file.path));
        continue;
      }
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
        const source = examine(file, payload, environment);
        if (typeof source === 'string') skip(payload, source);
        else if ('error' in source) skip(payload, 'unreadable', refusalOf(source.error));
        else sources.set(source.staged, source);
      }
    }
  }
  const directories = new Set(Array.from(sources.keys(), parentOf));
  // The RECORD of a distribution is replaced too.
  const isWritten = (directory: StagedPath) =>
    directory.endsWith('.dist-info') ||
    directories.has(nameOf(directory) === '__pycache__' ? parentOf(directory) : directory);
  return {
    sources: [...sources.values()].sort((a, b) => byCodeUnit(a.payload, b.payload)),
    skipped: [...skipped.values()].sort((a, b) => byCodeUnit(a.path, b.path)),
    withoutSources,
    leftovers: [...leftovers].filter(isWritten),
  };
}

const nothing: Walk = { found: [], notUtf8: [], unreadable: [], otherFileSystems: [] };

/** Finds the file at a PATH, or the files below a directory. */
function findIn(root: StagedPath, limits: WalkLimits): Walk {
  return ifRefused(
    () => {
      const { kind } = lstat(root);
      return kind === 'directory'
        ? walk(root, /\.py$|^\.pyclink-/, limits)
        : { ...nothing, found: [{ path: root, type: kind }] };
    },
    (error) => ({ ...nothing, unreadable: [{ directory: root, error }] }),
  );
}
