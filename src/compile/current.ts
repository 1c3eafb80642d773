import { readFileSync } from 'node:fs';
import { readRegular } from '../files/read-regular.ts';
import { damageOf } from '../marshal/damage.ts';
import { type InvalidationMode, parsePycHeader, staleReason } from '../pyc/header.ts';
import { codeLayoutOf } from '../pyc/releases.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import { type CompileJob, pycsOf } from './plan.ts';

/**
 * Whether every pyc of a job exists, was written by this release in this mode, fits the source and can be read to its
 * last byte. False if pyclink cannot read the interpreter's code.
 */
export function isCurrent(job: CompileJob, invalidationMode: InvalidationMode): boolean {
  const { source, interpreter } = job;
  const { sizeBytes, mtimeSeconds } = source;
  const layout = codeLayoutOf(interpreter.magicNumber);
  if (layout === undefined) return false;
  const hash = (magicNumber: number) => sourceHash(magicNumber, readFileSync(source.content));
  return pycsOf(job).every((pyc) => {
    const content = readRegular(pyc.staged)?.content;
    const header = content && parsePycHeader(content);
    if (content === undefined || header === undefined || 'unreadable' in header) return false;
    const ours = header.magicNumber === interpreter.magicNumber && header.invalidationMode === invalidationMode;
    if (!ours || staleReason(header, { sizeBytes, mtimeSeconds, hash }) !== undefined) return false;
    return damageOf(content, layout) === undefined;
  });
}
