import { type PycHeader, parsePycHeader, type UnreadableHeader } from '../pyc/header.ts';
import { type CodeLayout, codeLayoutOf, releaseOf } from '../pyc/releases.ts';
import { sha256Of } from '../sha256.ts';
import { codeFactsOf } from './code-facts.ts';
import { normalizePyc } from './normalize-pyc.ts';
import { maxObjects, walkMarshal } from './walk.ts';

/** Facts from the bytes of a pyc. */
export interface PycFacts {
  readonly sha256: string;
  /** The header, or the reason why there is none. */
  readonly header: PycHeader | UnreadableHeader;
  /** Why the code after the header cannot be read. */
  readonly damage?: string;
  /** In depth: the path that it records for tracebacks. */
  readonly recordedPath?: string;
  /** In depth: whether it is normalized; undefined if it cannot be. */
  readonly isNormal?: boolean;
  /** In depth: whether its line tables contain columns; undefined before 3.11. */
  readonly hasColumns?: boolean;
  /** With code: the SHA-256 of its normalized code; undefined if it cannot be normalized. */
  readonly codeSha256?: string;
}

/** How much to read: what a manifest records; all facts about the code; these and the digest of the normalized code. */
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

/** The SHA-256 of the normalized code of a pyc; undefined if it cannot be normalized. */
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

/** The code of a pyc whose header is complete. */
function codeOf(pyc: Buffer): Buffer {
  return pyc.subarray(releaseOf(pyc.readUInt16LE(0)).headerSizeBytes);
}
