import { isDeepStrictEqual } from 'node:util';
import { isRegular } from '../buildroot/source.ts';
import type { CompileOutcome } from '../compile/compile.ts';
import { type CompileJob, pycModeFor, pycOf } from '../compile/plan.ts';
import type { RegularFile } from '../files/read-regular.ts';
import { wholeSeconds } from '../files/stat.ts';
import { encodePycHeader, type InvalidationMode, type PycHeader } from '../pyc/header.ts';
import type { Pyc, Pycs } from '../pyc/pyc.ts';
import { releaseOf } from '../pyc/releases.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import type { UncachedReason } from './counts.ts';
import { decodeEntry, type Entry } from './entry.ts';

/** A lookup without a hit: the source has to be compiled. */
export interface Lookup {
  readonly key: string;
  readonly sha256: string;
  /** The entry that was found, if the compiled code is to be compared with it. */
  readonly expected?: Entry;
}

/** A hit. */
export interface Hit extends Pycs {
  readonly warnings: readonly string[];
  /** The SHA-256 of the source. */
  readonly sha256: string;
}

/** What the cache stores of a compiled source: the entry, and the SHA-256 of the source text. */
interface Storable {
  readonly entry: Entry;
  readonly sha256: string;
}

/**
 * Converts an outcome to what the cache stores, or to the reason why nothing is stored.
 * @param made its pycs; undefined if they are not normalized
 * @param expectedSha256 of the text at lookup; undefined if there was no lookup
 */
export function storableOf(
  { job, failure, losses, compiled, warnings }: CompileOutcome,
  made: Pycs | undefined,
  expectedSha256: string | undefined,
): Storable | { readonly reason: UncachedReason } {
  if (!isRegular(job.source)) return { reason: 'not a regular file' };
  if (failure !== undefined || losses > 0) return { reason: 'not compiled' };
  if (made === undefined) return { reason: 'no normal form' };
  if (compiled === undefined) return { reason: 'changed meanwhile' };
  const { sha256, isUtf8 } = compiled;
  if (expectedSha256 !== undefined && expectedSha256 !== sha256) return { reason: 'changed meanwhile' };
  if (!isUtf8) return { reason: 'not UTF-8' };
  return { entry: { pycs: made.pycs, digests: made.digests, warnings }, sha256 };
}

/** Decodes an entry; undefined if it is corrupt, not genuine, or has other levels than this job. */
export function entryForJob(job: CompileJob, key: string, bytes: Buffer, secret?: Buffer): Entry | undefined {
  const entry = decodeEntry(key, bytes, secret);
  const isWhole = job.levels.every((level, i) => {
    const pyc = entry?.pycs[i];
    return pyc?.level === level && pyc.content.length > headerBytesOf(job);
  });
  return isWhole ? entry : undefined;
}

/** Whether two entries of a job have the same bytecode and warnings. */
export function isSameForJob(job: CompileJob, a: Entry, b: Entry): boolean {
  const codeOf = ({ pycs, warnings }: Entry) => ({
    levels: pycs.map(({ level, content }) => [level, content.subarray(headerBytesOf(job))]),
    warnings,
  });
  return isDeepStrictEqual(codeOf(a), codeOf(b));
}

function headerBytesOf({ interpreter }: CompileJob): number {
  return releaseOf(interpreter.magicNumber).headerSizeBytes;
}

/** Gives the pycs of an entry headers for the current source. Overwrites the headers in the bytes of the entry. */
export function pycsForSource(
  job: CompileJob,
  { pycs, digests }: Entry,
  { stat, content }: RegularFile,
  invalidationMode: InvalidationMode,
): Pyc[] {
  const { magicNumber } = job.interpreter;
  const fields: PycHeader =
    invalidationMode === 'timestamp'
      ? {
          magicNumber,
          invalidationMode,
          sourceMtimeSeconds: wholeSeconds(stat.modifiedNs),
          sourceSizeBytes: stat.sizeBytes,
        }
      : { magicNumber, invalidationMode, sourceHash: sourceHash(magicNumber, content) };
  const header = encodePycHeader(fields);
  const mode = pycModeFor(stat.mode);
  return pycs.map((pyc) => {
    if (header.compare(pyc.content, 0, header.length) !== 0) {
      pyc.content.set(header);
      digests.forget(pyc.content);
    }
    return Object.assign(pycOf(job, pyc.level), { content: pyc.content, mode });
  });
}
