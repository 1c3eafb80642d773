import { sha256Of } from '../links/fingerprint.ts';
import { damageOf } from '../marshal/damage.ts';
import { parsePycHeader } from '../pyc/header.ts';
import { codeLayoutOf } from '../pyc/releases.ts';
import type { PycContent } from './entry.ts';

/** Reads the bytes of a pyc. */
export function pycContentOf(pyc: Buffer): PycContent {
  const sha256 = sha256Of(pyc);
  const header = parsePycHeader(pyc);
  const layout = 'unreadable' in header ? undefined : codeLayoutOf(header.magicNumber);
  const damage = layout && damageOf(pyc, layout);
  return { sha256, header, ...(damage === undefined ? {} : { damage }) };
}
