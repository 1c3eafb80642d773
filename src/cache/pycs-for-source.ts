import type { MadePyc } from '../compile/compile.ts';
import { type CompileJob, pycOf } from '../compile/plan.ts';
import type { RegularFile } from '../files/read-regular.ts';
import { wholeSeconds } from '../files/stat.ts';
import { encodePycHeader, type InvalidationMode, type PycHeader } from '../pyc/header.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import type { Entry } from './entry.ts';

/** The pycs of an entry, with headers for the source as it is now. They are written over those in the entry's bytes. */
export function pycsForSource(
  job: CompileJob,
  { pycs, digests }: Entry,
  { stat, content }: RegularFile,
  invalidationMode: InvalidationMode,
): MadePyc[] {
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
  // As _calc_mode in importlib._bootstrap_external has it.
  const mode = (stat.mode | 0o200) & 0o666;
  return pycs.map((pyc) => {
    if (header.compare(pyc.content, 0, header.length) !== 0) {
      pyc.content.set(header);
      digests.forget(pyc.content);
    }
    return Object.assign(pycOf(job, pyc.level), { content: pyc.content, mode });
  });
}
