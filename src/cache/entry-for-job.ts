import { isRegular } from '../buildroot/source.ts';
import type { CompileOutcome, MadePycs } from '../compile/compile.ts';
import type { CompileJob } from '../compile/plan.ts';
import { releaseOf } from '../pyc/releases.ts';
import type { UncachedReason } from './counts.ts';
import { decodeEntry, type Entry, isSameEntry } from './entry.ts';

/** What is stored of a compiled source: the entry, and the SHA-256 of the text that it is made of. */
interface Storable {
  readonly entry: Entry;
  readonly sha256: string;
}

/**
 * What is stored of an outcome, or why nothing is.
 * @param made its pycs; undefined if they have no normal form
 * @param expectedSha256 of the text that was looked up; undefined if none was
 */
export function storableOf(
  { job, failure, losses, compiled, warnings }: CompileOutcome,
  made: MadePycs | undefined,
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

/** The entry of these bytes; undefined if they are not a whole and genuine entry with the levels of this job. */
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
  return isSameEntry(a, b, headerBytesOf(job));
}

function headerBytesOf({ interpreter }: CompileJob): number {
  return releaseOf(interpreter.magicNumber).headerSizeBytes;
}
