import { parsePycHeader } from '../pyc/header.ts';
import { codeLayoutOf, releaseOf } from '../pyc/releases.ts';
import { encodeNormal } from './normal-form.ts';
import { type UnreadableCode, walkMarshal } from './walk.ts';

/** The message for pycs of a release that pyclink does not know. */
export function unknownMagicNumber(magicNumber: number): string {
  return `unknown magic number ${magicNumber}`;
}

/** Whether a pyc has a complete header with an unknown magic number. */
export function isOfUnknownRelease(pyc: Buffer): boolean {
  const header = parsePycHeader(pyc);
  return !('unreadable' in header) && codeLayoutOf(header.magicNumber) === undefined;
}

/**
 * Normalizes a pyc without changing its code. The same source gives the same bytes, whatever the process compiled
 * before.
 * @param allocate returns the buffer for the result
 * @returns the same pyc if it is normalized already; the reason if it is not a complete pyc of a known interpreter
 */
export function normalizePyc(pyc: Buffer, allocate?: (sizeBytes: number) => Buffer): Buffer | UnreadableCode {
  const header = parsePycHeader(pyc);
  if ('unreadable' in header) return header;
  const layout = codeLayoutOf(header.magicNumber);
  if (layout === undefined) return { unreadable: unknownMagicNumber(header.magicNumber) };
  return encodeNormal(pyc, releaseOf(header.magicNumber).headerSizeBytes, layout, allocate);
}

/** Whether bytes follow the code in a pyc of a known interpreter. Python does not read them. */
export function hasBytesBehindCode(pyc: Buffer): boolean {
  const header = parsePycHeader(pyc);
  const layout = 'unreadable' in header ? undefined : codeLayoutOf(header.magicNumber);
  if (layout === undefined) return false;
  const end = walkMarshal(pyc, releaseOf(pyc.readUInt16LE(0)).headerSizeBytes, layout, () => undefined);
  return typeof end === 'number' && end < pyc.length;
}
