import { nameOf, type PayloadPath, parentOf } from '../files/path.ts';
import { type PycHeader, staleReason } from '../pyc/header.ts';
import { modeText } from '../text.ts';
import type { SourceFacts } from './bytecode.ts';
import type { PayloadEntry, Unread } from './entry.ts';
import type { Payload } from './payload.ts';

/**
 * Finds the source of a pyc in a payload, following symlinks. Prefers the pyc's own container if several have one.
 * Python ignores directories and dangling symlinks of that name; a ghost is not installed.
 */
export function sourceOf(payload: Payload, { container }: PayloadEntry, source: PayloadPath): PayloadEntry | undefined {
  const found = payload.follow(source).filter(({ type, isGhost }) => type === 'file' && isGhost !== true);
  return found.find((entry) => entry.container === container) ?? found[0];
}

/** The `__pycache__` that a pyc is in, if the payload has an entry for it. */
export function cacheOf(payload: Payload, { path, container }: PayloadEntry): PayloadEntry | undefined {
  const directory = parentOf(path);
  const found = nameOf(directory) === '__pycache__' ? payload.follow(directory) : [];
  return found.find((entry) => entry.container === container) ?? found[0];
}

/** Findings about users who can read a pyc but not its source (`exposed`), or the source but not the pyc. */
export function readerProblems(payload: Payload, pyc: PayloadEntry, source: PayloadEntry) {
  // Zips that were not made on Unix have no modes.
  if (pyc.mode === 0 || source.mode === 0) return [];
  const cacheMode = cacheOf(payload, pyc)?.mode || 0o755;
  // Users who may not search a directory cannot read what is in it.
  const reached = { ...pyc, mode: pyc.mode & (((cacheMode & 0o011) << 2) | ~0o044) };
  const where = reached.mode === pyc.mode ? '' : ` in a directory of ${modeText(cacheMode)}`;
  const texts = {
    mode: `mode ${modeText(pyc.mode)}${where}, its source has ${modeText(source.mode)}`,
    owner: `owner ${pyc.owner}, its source has ${source.owner}`,
  };
  const [exposed, unreadable] = [moreReaders(reached, source), moreReaders(source, reached)];
  return [
    ...(exposed === undefined ? [] : [{ kind: 'exposed' as const, detail: texts[exposed] }]),
    ...(unreadable === undefined ? [] : [{ kind: 'unreadable' as const, detail: texts[unreadable] }]),
  ];
}

/** What lets somebody other than root read a file but not the other one; undefined if nobody can. */
function moreReaders(file: PayloadEntry, other: PayloadEntry): 'mode' | 'owner' | undefined {
  if ((file.mode & 0o044 & ~other.mode) !== 0) return 'mode';
  if ((other.mode & 0o004) !== 0) return undefined;
  const [group, otherGroup] = [file, other].map(({ owner }) => owner.split(':')[1]);
  const isOtherGroup = (file.mode & 0o040) !== 0 && group !== otherGroup;
  return isOtherGroup || ((file.mode & 0o400) !== 0 && isOfOtherUser(file, other)) ? 'owner' : undefined;
}

/** Whether a file belongs to a user that is neither root nor the owner of the other file. */
export function isOfOtherUser(file: PayloadEntry, other: PayloadEntry): boolean {
  const [user = '', ofOther] = [file, other].map(({ owner }) => owner.split(':')[0]);
  return user !== ofOther && user !== 'root' && user !== '0';
}

/** How a pyc does not match its source. */
export interface SourceMismatch {
  readonly reason: string;
  /** The sizes are equal; only the mtime differs. */
  readonly isOfMtime: boolean;
}

/**
 * How a pyc does not match its source in a payload; undefined if it matches. In a zip, zipimport reads pycs next to
 * their sources and compares DOS time; a `__pycache__` is used only after unpacking.
 * @param facts of the source; needed for hash-based pycs
 * @param isBeside whether the pyc is next to its source
 * @see _eq_mtime in Lib/zipimport.py, which allows for a second
 */
export function mismatchOf(
  header: PycHeader,
  source: PayloadEntry,
  facts: SourceFacts | Unread | undefined,
  isBeside = false,
): SourceMismatch | undefined {
  const { sizeBytes, mtimeSeconds, mtimeIs, dosTimeSeconds = mtimeSeconds } = source;
  const hash = (number: number) => (facts && 'hashes' in facts ? (facts.hashes.get(number) ?? '') : '');
  const reasonAt = (mtime: number) => staleReason(header, { sizeBytes, mtimeSeconds: mtime, hash });
  if (header.invalidationMode !== 'timestamp') {
    // The unreadable source is reported elsewhere; its hash is then unknown.
    if (facts === undefined || ('unread' in facts && facts.isRefused === true)) return undefined;
    return mismatch('unread' in facts ? `the source ${facts.unread}` : reasonAt(mtimeSeconds), false);
  }
  const recorded = header.sourceMtimeSeconds;
  const ofSize = reasonAt(recorded);
  if (ofSize !== undefined) return mismatch(ofSize, false);
  if (mtimeIs === 'of-installation') {
    return mismatch('it records an mtime, but the source will get the mtime of its installation', true);
  }
  if (mtimeIs === undefined) return mismatch(reasonAt(mtimeSeconds), true);
  const reason = reasonAt(isBeside ? dosTimeSeconds : mtimeSeconds);
  if (reason === undefined || (isBeside && Math.abs(dosTimeSeconds - recorded) <= 1)) return undefined;
  return mismatch(`${reason} ${isBeside ? 'for zipimport' : 'after unzip has unpacked it'}`, true);
}

function mismatch(reason: string | undefined, isOfMtime: boolean): SourceMismatch | undefined {
  return reason === undefined ? undefined : { reason, isOfMtime };
}
