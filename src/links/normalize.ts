import { hasBytesBehindCode, normalizePyc } from '../marshal/normalize-pyc.ts';
import type { ReadPyc } from './fingerprint.ts';
import { type RewrittenFiles, rewriteFiles } from './rewrite.ts';

/** Pycs in normal form, and those that have none. */
export interface NormalizedFiles {
  readonly pycs: readonly ReadPyc[];
  /** How many of them were not so before. */
  readonly normalized: number;
  readonly notNormalized: RewrittenFiles['notRewritten'];
  readonly failed: RewrittenFiles['failed'];
}

/** Brings existing pycs into normal form. @see rewriteFiles */
export function normalizeFiles(pycs: readonly ReadPyc[], dryRun: boolean): NormalizedFiles {
  const { pycs: normal, rewritten, notRewritten: notNormalized, failed } = rewriteFiles(pycs, normalized, dryRun);
  return { pycs: normal, normalized: rewritten, notNormalized, failed };
}

/** Somebody may have put bytes behind the code on purpose: normal form would drop them. */
function normalized(pyc: Buffer): ReturnType<typeof normalizePyc> {
  const normal = normalizePyc(pyc);
  return normal !== pyc && hasBytesBehindCode(pyc) ? { unreadable: 'bytes follow the end of the code' } : normal;
}
