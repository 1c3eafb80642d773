import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { CompileJob } from './plan.ts';
import { type InvalidationMode, maxHeaderBytes, parsePycHeader, staleReason } from './pyc-header.ts';
import { sourceHash } from './source-hash.ts';

/** Whether every pyc of a job is there, was written by this interpreter in this mode, and fits the source. */
export function isCurrent(job: CompileJob, invalidationMode: InvalidationMode): boolean {
  const { source, interpreter } = job;
  const hash = (magicNumber: number) => sourceHash(magicNumber, readFileSync(source.content));
  return job.pycs.every((pyc) => {
    const start = startOf(pyc.staged);
    const header = start && parsePycHeader(start);
    if (header === undefined || 'unreadable' in header) return false;
    const ours = header.magicNumber === interpreter.magicNumber && header.invalidationMode === invalidationMode;
    return ours && staleReason(header, { ...source, hash }) === undefined;
  });
}

function startOf(path: string): Buffer | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const bytes = Buffer.alloc(maxHeaderBytes);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, maxHeaderBytes, 0));
  } catch {
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}
