import type { PayloadPath } from '../files/path.ts';
import { codeFactsOf } from '../marshal/code-facts.ts';
import { damageOf } from '../marshal/damage.ts';
import { parsePycHeader } from '../pyc/header.ts';
import { codeLayoutOf } from '../pyc/releases.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import { sha256Of } from '../sha256.ts';
import type { PayloadEntry, PycContent, Wanted } from './entry.ts';

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

/** What is read from the content of a file. */
type ContentFacts = Partial<PycContent> & Pick<PayloadEntry, 'sourceHashes'>;

/** How to read the content of a file of an archive; undefined if nothing in it is wanted. */
export function factsOfContent(path: PayloadPath, wanted: Wanted): ((content: Buffer) => ContentFacts) | undefined {
  const { hashMagicNumbers, inDepth = false } = wanted;
  const isAsked = wanted.contents?.has(path) === true;
  const isPyc = isAsked || /\.py[co]$/.test(path);
  const isSource = isAsked || wanted.sources.has(path) || (inDepth && path.endsWith('.py'));
  const isHashed = hashMagicNumbers.length > 0 && isSource;
  if (!isPyc && !isHashed) return undefined;
  return (content) => ({
    ...(isPyc ? pycContentOf(content, inDepth) : {}),
    ...(isHashed ? { sourceHashes: sourceHashesOf(content, hashMagicNumbers) } : {}),
  });
}

/** The source hash by magic number. */
export function sourceHashesOf(content: Buffer, magicNumbers: readonly number[]): Map<number, string> {
  return new Map(magicNumbers.map((number) => [number, sourceHash(number, content)]));
}
