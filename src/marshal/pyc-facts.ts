import { type PycHeader, parsePycHeader, type UnreadableHeader } from '../pyc/header.ts';
import { codeLayoutOf } from '../pyc/releases.ts';
import { sha256Of } from '../sha256.ts';
import { codeFactsOf } from './code-facts.ts';
import { damageOf } from './damage.ts';

/** What is read from the bytes of a pyc. */
export interface PycFacts {
  readonly sha256: string;
  /** The header, or why there is none. */
  readonly header: PycHeader | UnreadableHeader;
  /** Why the code after the header cannot be read to its last byte. */
  readonly damage?: string;
  /** Read in depth: the path that it records for tracebacks. */
  readonly recordedPath?: string;
  /** Read in depth: whether it is in normal form; undefined if it can have none. */
  readonly isNormal?: boolean;
}

/** Reads the bytes of a pyc. @param inDepth more than is needed to compare it with a manifest */
export function pycFactsOf(pyc: Buffer, inDepth: boolean): PycFacts {
  const sha256 = sha256Of(pyc);
  const header = parsePycHeader(pyc);
  const layout = 'unreadable' in header ? undefined : codeLayoutOf(header.magicNumber);
  if (layout === undefined) return { sha256, header };
  if (inDepth) return { sha256, header, ...codeFactsOf(pyc, layout) };
  const damage = damageOf(pyc, layout);
  return { sha256, header, ...(damage === undefined ? {} : { damage }) };
}
