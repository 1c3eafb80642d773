import { type CompileJob, pycModeFor, pycOf } from '../compile/plan.ts';
import type { RegularFile } from '../files/read-regular.ts';
import { wholeSeconds } from '../files/stat.ts';
import { encodePycHeader, type InvalidationMode, type PycHeader } from '../pyc/header.ts';
import type { Pyc } from '../pyc/pyc.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import type { Entry } from './entry.ts';

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
