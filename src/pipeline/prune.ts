import { accessSync, constants } from 'node:fs';
import { excluder } from '../buildroot/exclude.ts';
import { toPayload } from '../buildroot/path.ts';
import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import { walkLimits } from '../buildroot/running-system.ts';
import { startingPoints } from '../buildroot/starting-points.ts';
import { walk } from '../buildroot/walk.ts';
import { refusalOf } from '../errors.ts';
import { ifErrno, ifPossible, ifRefused } from '../files/if-possible.ts';
import { childOf, type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';
import { removeFile } from '../files/replace.ts';
import { type FileStat, isSameVersion, lstatIfAny } from '../files/stat.ts';
import { parsePycPath } from '../pyc/name.ts';
import type { Skipped } from '../skipped.ts';
import { inTurns } from '../turns.ts';
import type { Settings } from './compile-all.ts';
import { type PruneFacts, PruneReasons } from './prune-reasons.ts';
import type { PrunedPyc } from './report.ts';

/**
 * Removes pycs in the PATHs that no interpreter loads, whose source changed, or that are of levels that this build does
 * not make. Removes only files in a `__pycache__` with the name and the start of a pyc, and symlinks to such files, to
 * nothing or out of the tree; only if the reason is certain, and no other symlink leads to the file.
 * @returns the removed pycs, sorted by path, and those that are left for a reason that the user should know
 */
export async function prune(facts: PruneFacts) {
  const { options, planned, symlinks } = facts;
  const { buildroot, dryRun } = options;
  const built = new Set(planned.flatMap(({ paths }) => paths));
  const reasons = new PruneReasons(facts, await excluder(options.excludeRegex, options.exclude));
  const useless = new Map<StagedPath, PrunedPyc & { readonly stat: FileStat }>();
  const pruned: PrunedPyc[] = [];
  const skipped: Skipped[] = [];
  const refused: Refused = (path) => (error) =>
    void skipped.push({ path, reason: 'pyc-not-removed', message: refusalOf(error) });
  for await (const staged of inTurns(pycsIn(options, refused))) {
    const path = toPayload(buildroot, staged);
    const { detail, stat } = (built.has(path) ? undefined : ifRefused(() => reasons.look(staged), refused(path))) ?? {};
    if (stat === undefined) continue;
    if (detail === undefined) skipped.push({ path, reason: 'symlink-outside' });
    else useless.set(staged, { path, detail, stat });
  }
  // A build replaces symlinks by its pycs, unless something fails.
  const isKept = (link: StagedPath) => !useless.has(link) && !(dryRun && built.has(toPayload(buildroot, link)));
  const targets = new Set(Array.from(symlinks).flatMap(([link, to]) => (isKept(link) ? to : [])));
  for await (const [staged, { path, detail, stat }] of inTurns(useless)) {
    if (targets.has(staged)) continue;
    const isSame = (name: string) => isSameVersion(lstatIfAny(name), stat);
    const remove = () => {
      if (dryRun) checkRemovable(staged, stat);
      if (dryRun || removeFile(staged, isSame)) pruned.push({ path, detail });
    };
    ifRefused(remove, refused(path));
  }
  return { pruned, skipped };
}

/** @throws the system's error, if it does not let the file be removed, as far as it tells */
function checkRemovable(path: StagedPath, { kind }: FileStat): void {
  accessSync(parentOf(path), constants.W_OK | constants.X_OK);
  // An immutable file has another error than one without write permission, which can be removed.
  if (kind === 'file') ifErrno('EACCES', () => accessSync(path, constants.W_OK));
}

/** Says that the system does not let a pyc, or those of a directory, be removed. */
type Refused = (path: PayloadPath) => (error: unknown) => void;

/** The pycs in the PATHs or, without PATHs, in the Python directories. Does not follow symlinks. */
function pycsIn({ buildroot, paths, only }: Settings, refused: Refused): StagedPath[] {
  const below = (top: StagedPath) => {
    const { found, unreadable } = walk(top, /\.pyc$/, walkLimits(buildroot));
    for (const { directory, error } of unreadable) refused(toPayload(buildroot, directory as StagedPath))(error);
    return found.flatMap(({ path, type }) => (type === 'file' || type === 'symlink' ? path : []));
  };
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
