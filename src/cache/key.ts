import { createHash, createHmac } from 'node:crypto';
import { type CompileJob, recordedDirectoryOf } from '../compile/plan.ts';
import { nameOf } from '../files/path.ts';

/** The SHA-256 over fields, each with its length before it: other fields never give the same bytes. In hexadecimal. */
export function digestOfFields(fields: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  const length = Buffer.alloc(4);
  for (const field of fields) {
    const bytes = typeof field === 'string' ? Buffer.from(field) : field;
    length.writeUInt32LE(bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.digest('hex');
}

/** What the keys of a build have in common. */
export interface KeyFields {
  /** Separates those who share a store. */
  readonly namespace: string;
  readonly secretMark: string;
  /** The digest of everything that compiles. */
  readonly compiler: string;
}

/** The key of a source's entry. @param sha256 of the source */
export function keyOf(job: CompileJob, sha256: string, { namespace, secretMark, compiler }: KeyFields): string {
  const recorded = [recordedDirectoryOf(job), nameOf(job.source.staged)];
  const levels = job.levels.join('');
  return digestOfFields(['pyclink cache 1', namespace, secretMark, compiler, ...recorded, levels, sha256]);
}

/** What tells secrets apart: with different ones, builds have different keys, and never see each other's entries. */
export function secretMarkOf(secret: Buffer | undefined): string {
  return secret === undefined ? '' : createHmac('sha256', secret).update('key').digest('hex');
}
