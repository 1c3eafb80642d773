import { mtimeSecondsOf } from '../buildroot/source.ts';
import type { MadePyc } from '../compile/compile.ts';
import { type CompileJob, pycOf } from '../compile/plan.ts';
import type { Arena } from '../files/arena.ts';
import type { RegularFile } from '../files/read-regular.ts';
import { encodePycHeader, type InvalidationMode, type PycHeader } from '../pyc/header.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import type { Entry } from './entry.ts';

/**
 * The pycs of an entry, with headers for the source as it is now.
 * @param take gives the memory for them
 */
export function pycsOfEntry(
  job: CompileJob,
  { bodies }: Entry,
  { stat, content }: RegularFile,
  invalidationMode: InvalidationMode,
  take: Arena['take'],
): MadePyc[] {
  const { magicNumber } = job.interpreter;
  const header: PycHeader =
    invalidationMode === 'timestamp'
      ? { magicNumber, invalidationMode, sourceMtimeSeconds: mtimeSecondsOf(stat), sourceSizeBytes: stat.size }
      : { magicNumber, invalidationMode, sourceHash: sourceHash(magicNumber, content) };
  const headerBytes = encodePycHeader(header);
  // As _calc_mode in importlib._bootstrap_external has it.
  const mode = (stat.mode | 0o200) & 0o666;
  const contents = new Map<Buffer, Buffer>();
  return bodies.map(({ level, body }) => {
    const pyc = contents.get(body) ?? joined(headerBytes, body, take);
    contents.set(body, pyc);
    return Object.assign(pycOf(job, level), { content: pyc, mode });
  });
}

function joined(header: Buffer, body: Buffer, take: Arena['take']): Buffer {
  const whole = take(header.length + body.length);
  whole.set(header);
  whole.set(body, header.length);
  return whole;
}
