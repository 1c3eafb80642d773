import { hasBytesBehindCode, normalizePyc } from '../marshal/normalize-pyc.ts';
import type { ReadPyc } from './fingerprint.ts';
import { type RewrittenFiles, rewriteFiles } from './rewrite.ts';

/** Normalized pycs, and those that cannot be normalized. */
export interface NormalizedFiles {
  readonly pycs: readonly ReadPyc[];
  /** How many of them were not normalized before. */
  readonly normalized: number;
  readonly notNormalized: RewrittenFiles['notRewritten'];
  readonly failed: RewrittenFiles['failed'];
}

/** Normalizes existing pycs. @see rewriteFiles */
export function normalizeFiles(pycs: readonly ReadPyc[], dryRun: boolean): NormalizedFiles {
  const { pycs: normal, rewritten, notRewritten: notNormalized, failed } = rewriteFiles(pycs, normalized, dryRun);
  return { pycs: normal, normalized: rewritten, notNormalized, failed };
}

/** Refuses a pyc with bytes after the code: they may be there on purpose, and normalizing would drop them. */
function normalized(pyc: Buffer): ReturnType<typeof normalizePyc> {
  const normal = normalizePyc(pyc);
  return normal !== pyc && hasBytesBehindCode(pyc) ? { unreadable: 'bytes follow the end of the code' } : normal;
}
