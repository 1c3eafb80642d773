import { accessSync, constants } from 'node:fs';
import { excluder } from '../buildroot/exclude.ts';
import { type Buildroot, toPayload } from '../buildroot/path.ts';
import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import { walkLimits } from '../buildroot/running-system.ts';
import { startingPoints } from '../buildroot/starting-points.ts';
import { walk } from '../buildroot/walk.ts';
import { errnoOf } from '../errors.ts';
import { ifPossible, ifRefused } from '../files/if-possible.ts';
import { childOf, type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';
import { removeFile } from '../files/replace.ts';
import { type FileStat, isSameVersion, lstatIfAny } from '../files/stat.ts';
import { parsePycPath } from '../pyc/name.ts';
import type { Skipped } from '../skipped.ts';
import { inTurns } from '../turns.ts';
import type { Settings } from './compile-all.ts';
import { type PruneFacts, PruneReasons } from './prune-reasons.ts';
import type { PrunedPyc } from './report.ts';

/** The result of pruning. */
interface Pruned {
  /** Sorted by path. */
  readonly pruned: readonly PrunedPyc[];
  readonly skipped: readonly Skipped[];
}

/**
 * Removes pycs in the PATHs that no interpreter loads, whose source changed, or that are of levels that this build does
 * not make. Removes only files in a `__pycache__` with the name and the start of a pyc, and symlinks to such files or to
 * nothing; only if the reason is certain, and no other symlink leads to the file.
 */
export async function prune(facts: PruneFacts): Promise<Pruned> {
  const { options, made, symlinks } = facts;
  const { buildroot, dryRun } = options;
  const built = new Set(made.flatMap(({ paths }) => paths));
  const reasons = new PruneReasons(facts, await excluder(options.excludeRegex, options.exclude));
  const useless = new Map<StagedPath, PrunedPyc & { readonly stat: FileStat }>();
  for await (const staged of inTurns(pycsIn(buildroot, options))) {
    const path = toPayload(buildroot, staged);
    // Keep what cannot be examined.
    const found = built.has(path) ? undefined : ifPossible(() => reasons.look(staged));
    if (found !== undefined) useless.set(staged, { path, ...found });
  }
  const isKept = (link: StagedPath) => !useless.has(link) && !built.has(toPayload(buildroot, link));
  const targets = new Set(Array.from(symlinks).flatMap(([link, to]) => (isKept(link) ? to : [])));
  const pruned: PrunedPyc[] = [];
  const skipped: Skipped[] = [];
  for await (const [staged, { path, detail, stat }] of inTurns(useless)) {
    if (targets.has(staged)) continue;
    const isSame = (name: string) => isSameVersion(lstatIfAny(name), stat);
    const remove = () => {
      if (dryRun) accessSync(parentOf(staged), constants.W_OK | constants.X_OK);
      if (dryRun || removeFile(staged, isSame)) pruned.push({ path, detail });
    };
    ifRefused(remove, (error) => skipped.push({ path, reason: 'pyc-not-removed', message: `${errnoOf(error)}` }));
  }
  return { pruned, skipped };
}

/** The pycs in the PATHs or, without PATHs, in the Python directories. Does not follow symlinks. */
function pycsIn(buildroot: Buildroot, { paths, only }: Pick<Settings, 'paths' | 'only'>): StagedPath[] {
  const below = (directory: StagedPath) =>
    walk(directory, /\.pyc$/, walkLimits(buildroot)).found.flatMap(({ path, type }) =>
      type === 'file' || type === 'symlink' ? path : [],
    );
  const isDirectory = (path: StagedPath) => ifPossible(() => lstatIfAny(path))?.kind === 'directory';
  const isMeant = (path: PayloadPath) =>
    !['python2', undefined].includes(pythonDirectoryOf(path)?.kind) && only?.matching.test(path) !== false;
  if (paths.length === 0) return below(buildroot.path).filter((path) => isMeant(toPayload(buildroot, path)));
  const points = startingPoints(buildroot, paths);
  const files = new Set(points.filter((path) => !isDirectory(path)));
  const caches = new Set(Array.from(files, (path) => childOf(parentOf(path), '__pycache__')));
  const ofFiles = [...caches].filter(isDirectory).flatMap(below);
  const found = [
    ...points.filter((path) => !files.has(path)).flatMap(below),
    ...ofFiles.filter((path) => files.has(parsePycPath(path)?.source ?? path)),
  ];
  return [...new Set(found)].sort();
}
