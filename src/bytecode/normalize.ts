import type { Unreadable } from './marshal.ts';
import { encodeNormal } from './normal-marshal.ts';
import { parsePycHeader } from './pyc-header.ts';
import { codeLayoutOf, releaseOf } from './releases.ts';

/**
 * The pyc without what the history of its interpreter left in it: the same source gives the same bytes then, whatever
 * else the process compiled before. The code equals the old one.
 * @param allocate gives room for the result
 * @returns the pyc itself if it is in normal form already; a reason if it is not a whole pyc of a known interpreter
 */
export function normalizePyc(pyc: Buffer, allocate?: (sizeBytes: number) => Buffer): Buffer | Unreadable {
  const header = parsePycHeader(pyc);
  if ('unreadable' in header) return header;
  const layout = codeLayoutOf(header.magicNumber);
  if (layout === undefined) return { unreadable: `magic number ${header.magicNumber} is not known` };
  return encodeNormal(pyc, releaseOf(header.magicNumber).headerSizeBytes, layout, allocate);
}
