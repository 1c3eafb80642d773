import { createHmac } from 'node:crypto';
import { type CompileJob, recordedDirectoryOf } from '../compile/plan.ts';
import { nameOf } from '../files/path.ts';
import { sha256Of } from '../sha256.ts';

/** The SHA-256 of fields with their lengths, so that different fields never give the same text. In hexadecimal. */
export function digestOfFields(fields: readonly string[]): string {
  return sha256Of(fields.map((field) => `${field.length}:${field}`).join(''));
}

/**
 * Returns the digest of everything that determines the compiler's output. The first call computes it. Undefined if a
 * file of the compiler cannot be read.
 */
export type CompilerDigest = () => string | undefined;

/** The fields that are the same for all keys of a build. */
export interface KeyFields {
  /** Separates users of the same store. */
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

/** Identifies a secret. Builds with different secrets have different keys, so they never see each other's entries. */
export function secretMarkOf(secret: Buffer | undefined): string {
  return secret === undefined ? '' : createHmac('sha256', secret).update('key').digest('hex');
}

/** Whether a key is in a sample of this percentage of all keys. The result for a key is always the same. */
export function isInSample(key: string, percent: number): boolean {
  return Number.parseInt(key.slice(0, 8), 16) % 100 < percent;
}
