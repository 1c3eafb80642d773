import type { PayloadPath } from '../files/path.ts';
import { type Depth, type PycFacts, pycFactsOf } from '../marshal/pyc-facts.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import { sha256Of } from '../sha256.ts';
import type { Content, Search, Unread } from './entry.ts';

/** Facts about a source. */
export interface SourceFacts {
  readonly sha256: string;
  /** The source hashes of hash-based pycs, by magic number. */
  readonly hashes: ReadonlyMap<number, string>;
}

/** Facts about the pycs and sources of a payload, by file identity. */
export interface BytecodeFacts {
  readonly pycs: ReadonlyMap<string, PycFacts | Unread>;
  readonly sources: ReadonlyMap<string, SourceFacts | Unread>;
}

/** The facts to read. */
interface WantedFacts {
  /** How much to read of pycs. */
  readonly pycs: 'none' | Depth;
  /** Read sources too. */
  readonly sources: boolean;
  /** The magic numbers for which source hashes are computed. */
  readonly hashMagicNumbers: readonly number[];
  readonly paths?: ReadonlySet<PayloadPath>;
}

/** A search for pycs and sources, and the facts that it collects. */
export function searchForBytecode(wanted: WantedFacts): { readonly search: Search; readonly facts: BytecodeFacts } {
  const pycs = new Map<string, PycFacts | Unread>();
  const sources = new Map<string, SourceFacts | Unread>();
  const { pycs: depth } = wanted;
  const asSource = (content: Content): SourceFacts | Unread =>
    'unread' in content ? content : { sha256: sha256Of(content), hashes: hashesOf(content, wanted.hashMagicNumbers) };
  const search: Search = {
    names: /\.py[co]?$/,
    directories: true,
    ...(wanted.paths === undefined ? {} : { paths: wanted.paths }),
    visit: ({ path, file }) => {
      if (/\.py[co]$/.test(path))
        return depth === 'none'
          ? undefined
          : (content) => pycs.set(file, 'unread' in content ? content : pycFactsOf(content, depth));
      return wanted.sources ? (content) => sources.set(file, asSource(content)) : undefined;
    },
  };
  return { search, facts: { pycs, sources } };
}

function hashesOf(content: Buffer, magicNumbers: readonly number[]): ReadonlyMap<number, string> {
  return new Map(magicNumbers.map((number) => [number, sourceHash(number, content)]));
}
