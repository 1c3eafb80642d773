import { createHmac } from 'node:crypto';
import { type CompileJob, recordedDirectoryOf } from '../compile/plan.ts';
import { nameOf } from '../files/path.ts';
import { sha256Of } from '../sha256.ts';

/** The SHA-256 over fields, each with its length before it: other fields never give the same text. In hexadecimal. */
export function digestOfFields(fields: readonly string[]): string {
  return sha256Of(fields.map((field) => `${field.length}:${field}`).join(''));
}

/**
 * Gives the digest of everything that decides what the compiler makes of a source, and computes it when it is first
 * called; undefined if a file of the compiler cannot be read.
 */
export type CompilerDigest = () => string | undefined;

/** What the keys of a build have in common. */
export interface KeyFields {
  /** Separates those who share a store. */
  readonly namespace: string;
  readonly secretMark: string;
  readonly compiler: CompilerDigest;
}

/** The key of a source's entry; undefined if the compiler has no digest. @param sha256 of the source */
export function keyOf(
  job: CompileJob,
  sha256: string,
  { namespace, secretMark, compiler }: KeyFields,
): string | undefined {
  const digest = compiler();
  if (digest === undefined) return undefined;
  const recorded = [recordedDirectoryOf(job), nameOf(job.source.staged)];
  const levels = job.levels.join('');
  return digestOfFields(['pyclink cache 1', namespace, secretMark, digest, ...recorded, levels, sha256]);
}

/** What tells secrets apart: with different ones, builds have different keys, and never see each other's entries. */
export function secretMarkOf(secret: Buffer | undefined): string {
  return secret === undefined ? '' : createHmac('sha256', secret).update('key').digest('hex');
}

/** Whether a key is in a sample of so many percent of all keys. A key is always in the sample or never. */
export function isInSample(key: string, percent: number): boolean {
  return Number.parseInt(key.slice(0, 8), 16) % 100 < percent;
}
