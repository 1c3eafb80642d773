import { type PycHeader, parsePycHeader, type UnreadableHeader } from '../pyc/header.ts';
import { type CodeLayout, codeLayoutOf, releaseOf } from '../pyc/releases.ts';
import { sha256Of } from '../sha256.ts';
import { codeFactsOf } from './code-facts.ts';
import { normalizePyc } from './normalize-pyc.ts';
import { maxObjects, walkMarshal } from './walk.ts';

/** What is read from the bytes of a pyc. */
export interface PycFacts {
  readonly sha256: string;
  /** The header, or why there is none. */
  readonly header: PycHeader | UnreadableHeader;
  /** Why the code after the header cannot be read. */
  readonly damage?: string;
  /** Read in depth: the path that it records for tracebacks. */
  readonly recordedPath?: string;
  /** Read in depth: whether it is in normal form; undefined if it can have none. */
  readonly isNormal?: boolean;
  /** Read in depth: whether its line tables say columns; undefined before 3.11. */
  readonly hasColumns?: boolean;
  /** Read to be compiled again: the SHA-256 of its code in normal form; undefined if it can have none. */
  readonly codeSha256?: string;
}

/** How much is read: what is compared with a manifest; all that is known of the code; that, and what it is in normal form. */
export type Depth = 'content' | 'in-depth' | 'code';

/** Reads the bytes of a pyc. */
export function pycFactsOf(pyc: Buffer, depth: Depth): PycFacts {
  const sha256 = sha256Of(pyc);
  const header = parsePycHeader(pyc);
  const layout = 'unreadable' in header ? undefined : codeLayoutOf(header.magicNumber);
  if (layout === undefined) return { sha256, header };
  if (depth !== 'content') {
    const count = pyc.length > maxObjects ? objectCount(pyc, layout) : 0;
    if (count > maxObjects) return { sha256, header, damage: `it has too many objects to read (${count})` };
    const codeSha256 = depth === 'code' ? codeSha256Of(pyc) : undefined;
    return { sha256, header, ...codeFactsOf(pyc, layout), ...(codeSha256 === undefined ? {} : { codeSha256 }) };
  }
  const end = walkMarshal(pyc, releaseOf(pyc.readUInt16LE(0)).headerSizeBytes, layout, () => undefined);
  return { sha256, header, ...(typeof end === 'string' ? { damage: end } : {}) };
}

/** The SHA-256 of the code of a pyc in normal form; undefined if it has none. */
export function codeSha256Of(pyc: Buffer): string | undefined {
  const normal = normalizePyc(pyc);
  return 'unreadable' in normal ? undefined : sha256Of(codeOf(normal));
}

function objectCount(pyc: Buffer, layout: CodeLayout): number {
  let count = 0;
  walkMarshal(pyc, releaseOf(pyc.readUInt16LE(0)).headerSizeBytes, layout, () => {
    count += 1;
  });
  return count;
}

/** The code of a pyc with a whole header. */
function codeOf(pyc: Buffer): Buffer {
  return pyc.subarray(releaseOf(pyc.readUInt16LE(0)).headerSizeBytes);
}
