import { readFileSync } from 'node:fs';
import { readRegular } from '../buildroot/read-regular.ts';
import { type CompileJob, pycsOf } from './plan.ts';
import { type InvalidationMode, maxHeaderBytes, parsePycHeader, staleReason } from './pyc-header.ts';
import { sourceHash } from './source-hash.ts';

/** Whether every pyc of a job is there, was written by this interpreter in this mode, and fits the source. */
export function isCurrent(job: CompileJob, invalidationMode: InvalidationMode): boolean {
  const { source, interpreter } = job;
  const { sizeBytes, mtimeSeconds } = source;
  const hash = (magicNumber: number) => sourceHash(magicNumber, readFileSync(source.content));
  return pycsOf(job).every((pyc) => {
    const start = readRegular(pyc.staged, maxHeaderBytes);
    const header = start && parsePycHeader(start.content);
    if (header === undefined || 'unreadable' in header) return false;
    const ours = header.magicNumber === interpreter.magicNumber && header.invalidationMode === invalidationMode;
    return ours && staleReason(header, { sizeBytes, mtimeSeconds, hash }) === undefined;
  });
}
