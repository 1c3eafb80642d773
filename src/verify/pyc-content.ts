import { damageOf } from '../bytecode/damage.ts';
import { parsePycHeader } from '../bytecode/pyc-header.ts';
import { codeLayoutOf } from '../bytecode/releases.ts';
import { sha256Of } from '../links/fingerprint.ts';
import type { PycContent } from './payload.ts';

/** What the bytes of a pyc say. */
export function pycContentOf(pyc: Buffer): PycContent {
  const sha256 = sha256Of(pyc);
  const header = parsePycHeader(pyc);
  const layout = 'unreadable' in header ? undefined : codeLayoutOf(header.magicNumber);
  const damage = layout && damageOf(pyc, layout);
  return { sha256, header, ...(damage === undefined ? {} : { damage }) };
}
