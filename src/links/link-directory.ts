import { Arena } from '../files/arena.ts';
import { withDirectory } from '../files/directory.ts';
import { ifRefused } from '../files/if-possible.ts';
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
  /** Normalize the pycs first. */
  readonly normalize: boolean;
  readonly dryRun: boolean;
}

/** The result for a directory or, in a dry run, what would be done. */
export interface LinkedDirectory {
  /** The number of pycs that were readable by more users than their sources. */
  readonly narrowed: number;
  readonly normalized: number;
  readonly links: number;
  readonly savedBytes: number;
  /** Files that were not changed, with the reason. */
  readonly left: readonly { readonly path: StagedPath; readonly reason: SkipReason; readonly message?: string }[];
  /** The magic numbers of pycs that cannot be normalized, one for each pyc. */
  readonly unknown: readonly number[];
  /** Pycs, or the directory, with the system's error. */
  readonly failed: readonly { readonly path: StagedPath; readonly error: unknown }[];
}

type LinkOutcome = {
  -readonly [K in keyof LinkedDirectory]: LinkedDirectory[K] extends readonly (infer T)[] ? T[] : number;
};

/** Links the identical pycs of a directory. Failures are data, and the rest is done. */
export function linkDirectory(
  { directory, hasLeftovers, sets }: PycDirectory,
  mode: LinkMode,
  read: ReadAttributes,
): LinkedDirectory {
  const done: LinkOutcome = { narrowed: 0, normalized: 0, links: 0, savedBytes: 0, left: [], unknown: [], failed: [] };
  const attempt: Attempt = (path, work) => {
    return ifRefused(work, (error) => {
      done.failed.push({ path, error });
      return undefined;
    });
  };
  if (hasLeftovers && !mode.dryRun) removeLeftovers(directory);
  attempt(directory, () =>
    withDirectory(directory, () => {
      for (const set of sets) linkSet(set, mode, read, done, attempt);
    }),
  );
  return done;
}

/** Does something with a file, and records the system's error. */
type Attempt = <T>(path: StagedPath, work: () => T) => T | undefined;

/** Links the identical pycs of a set, and adds to the result. */
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
  const narrowed = () => pycs.map((pyc) => ({ ...pyc, mode: pyc.mode & ~forbidden }));
  const { notLinked, replaced } = mode.dryRun ? planIdentical(narrowed(), read) : linkIdentical(pycs, read);
  done.links += replaced.length;
  for (const { sizeBytes } of replaced) done.savedBytes += sizeBytes;
  for (const { path, reason, errno } of notLinked) done.left.push({ path, reason, ...(errno && { message: errno }) });
}

/** Scratch memory for the set being linked. */
const scratch = new Arena();

/** Reads the pycs that may have a duplicate: the others differ in size, or are linked already. */
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
