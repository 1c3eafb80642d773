import { errnoOf } from '../errors.ts';
import { Arena } from '../files/arena.ts';
import { withDirectory } from '../files/directory.ts';
import { removeLeftovers } from '../files/leftovers.ts';
import type { StagedPath } from '../files/path.ts';
import { lstatIfAny } from '../files/stat.ts';
import { isOfUnknownRelease } from '../marshal/normalize-pyc.ts';
import type { SkipReason } from '../skipped.ts';
import { linkIdentical, planIdentical, type ReadAttributes } from './apply.ts';
import type { PycDirectory } from './find.ts';
import { pycFile, type ReadPyc, readPyc } from './fingerprint.ts';
import { isLinked, type PycFile } from './group.ts';
import { forbiddenBits, narrowModes } from './narrow.ts';
import { normalizeFiles } from './normalize.ts';

/** How existing pycs are linked. */
export interface LinkMode {
  /** Bring the pycs into normal form first. */
  readonly normalize: boolean;
  readonly dryRun: boolean;
}

/** What was done in a directory, or in a dry run would be. */
export interface LinkedDirectory {
  /** Pycs that more users could read than their sources. */
  readonly narrowed: number;
  readonly normalized: number;
  readonly links: number;
  readonly savedBytes: number;
  /** What was left as it is. */
  readonly left: readonly { readonly path: StagedPath; readonly reason: SkipReason; readonly message?: string }[];
  /** The magic numbers of pycs that have no normal form, one for each. */
  readonly unknown: readonly number[];
  /** A pyc, or the directory, with the system's error. */
  readonly failed: readonly { readonly path: StagedPath; readonly error: unknown }[];
}

type LinkOutcome = {
  -readonly [K in keyof LinkedDirectory]: LinkedDirectory[K] extends readonly (infer T)[] ? T[] : number;
};

/** Links the identical pycs of a directory. What fails is data, and the rest is done. */
export function linkDirectory(
  { directory, hasLeftovers, sets }: PycDirectory,
  mode: LinkMode,
  read: ReadAttributes,
): LinkedDirectory {
  const done: LinkOutcome = { narrowed: 0, normalized: 0, links: 0, savedBytes: 0, left: [], unknown: [], failed: [] };
  const attempt: Attempt = (path, work) => {
    try {
      return work();
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      done.failed.push({ path, error });
      return undefined;
    }
  };
  if (hasLeftovers && !mode.dryRun) removeLeftovers(directory);
  attempt(directory, () =>
    withDirectory(directory, () => {
      for (const set of sets) linkSet(set, mode, read, done, attempt);
    }),
  );
  return done;
}

/** Does something with a file, and notes the system's error. */
type Attempt = <T>(path: StagedPath, work: () => T) => T | undefined;

/** Links the identical pycs of a set, and adds what was done. */
function linkSet(
  set: readonly StagedPath[],
  mode: LinkMode,
  read: ReadAttributes,
  done: LinkOutcome,
  attempt: Attempt,
): void {
  scratch.clear();
  const first = set[0] as StagedPath;
  const forbidden = attempt(first, () => forbiddenBits(set)) ?? 0;
  done.narrowed += attempt(first, () => narrowModes(set, mode.dryRun, forbidden)) ?? 0;
  let pycs = mode.normalize
    ? set.flatMap((path) => attempt(path, () => readPyc(path)) ?? [])
    : readCandidates(set, attempt);
  if (mode.normalize) {
    const other = pycs.filter(({ content }) => isOfUnknownRelease(content));
    for (const { content } of other) done.unknown.push(content.readUInt16LE(0));
    const known = pycs.filter((pyc) => !other.includes(pyc));
    const result = normalizeFiles(known, mode.dryRun);
    done.normalized += result.normalized;
    done.failed.push(...result.failed);
    for (const { path, message } of result.notNormalized) done.left.push({ path, reason: 'not-normalized', message });
    pycs = [...result.pycs, ...other];
  }
  const { notLinked, replaced } = mode.dryRun ? planned(forbidden, pycs, read) : linkIdentical(pycs, read);
  done.links += replaced.length;
  for (const { sizeBytes } of replaced) done.savedBytes += sizeBytes;
  for (const { path, reason, errno } of notLinked) done.left.push({ path, reason, ...(errno && { message: errno }) });
}

/** Scratch memory for the set being linked. */
const scratch = new Arena();

/** Reads those that may have an identical file among them: others have another size, or are one file already. */
function readCandidates(set: readonly StagedPath[], attempt: Attempt): ReadPyc[] {
  if (set.length < 2) return [];
  const files = set.flatMap((path) => {
    const stat = attempt(path, () => lstatIfAny(path));
    return stat === undefined ? [] : pycFile(path, stat);
  });
  const mayBeIdentical = (a: PycFile, b: PycFile) => a.sizeBytes === b.sizeBytes && !isLinked(a, b);
  return files
    .filter((file) => files.some((other) => mayBeIdentical(file, other)))
    .flatMap(({ path }) => attempt(path, () => readPyc(path, scratch.take)) ?? []);
}

/** What linking would do, after the modes are narrowed. */
function planned(forbidden: number, pycs: readonly ReadPyc[], read: ReadAttributes) {
  const narrowed = pycs.map((pyc) => ({ ...pyc, mode: pyc.mode & ~forbidden }));
  const { steps } = planIdentical(narrowed, read);
  return { notLinked: [], replaced: steps.map(({ duplicate }) => duplicate) };
}
