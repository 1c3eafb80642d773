import { sha256Of } from '../links/fingerprint.ts';
import { codeFactsOf } from '../marshal/code-facts.ts';
import { damageOf } from '../marshal/damage.ts';
import { parsePycHeader } from '../pyc/header.ts';
import { codeLayoutOf } from '../pyc/releases.ts';
import type { PycContent } from './entry.ts';

/** Reads the bytes of a pyc. @param inDepth more than is needed to compare it with a manifest */
export function pycContentOf(pyc: Buffer, inDepth = false): PycContent {
  const sha256 = sha256Of(pyc);
  const header = parsePycHeader(pyc);
  const layout = 'unreadable' in header ? undefined : codeLayoutOf(header.magicNumber);
  if (layout === undefined) return { sha256, header };
  if (inDepth) return { sha256, header, ...codeFactsOf(pyc, layout) };
  const damage = damageOf(pyc, layout);
  return { sha256, header, ...(damage === undefined ? {} : { damage }) };
}
