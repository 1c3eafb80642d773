import type { PayloadPath } from '../../src/files/path.ts';
import type { PycFacts } from '../../src/marshal/pyc-facts.ts';
import type { BytecodeFacts, SourceFacts } from '../../src/payload/bytecode.ts';
import { type Content, contentsOf, type PayloadEntry, type Search, type Unread } from '../../src/payload/entry.ts';
import { Payload } from '../../src/payload/payload.ts';

/** An entry, and what its bytes say. */
export interface DescribedEntry extends PayloadEntry {
  readonly pyc?: PycFacts | Unread | undefined;
  readonly source?: Partial<SourceFacts> | undefined;
}

/** A file of 1 byte, but for what is said. */
export function entryAt(path: string, more: Partial<DescribedEntry> = {}): DescribedEntry {
  return {
    path: path as PayloadPath,
    type: 'file',
    file: path,
    container: 'a.rpm',
    sizeBytes: 1,
    mode: 0o644,
    owner: 'root:root',
    mtimeSeconds: 5,
    ...more,
  };
}

/** A payload of these entries, and what was read of them. */
export function describedPayload(described: readonly DescribedEntry[]): { payload: Payload; facts: BytecodeFacts } {
  const pycs = new Map<string, PycFacts | Unread>();
  const sources = new Map<string, SourceFacts>();
  const entries = described.map(({ pyc, source, ...entry }) => {
    if (pyc !== undefined) pycs.set(entry.file, pyc);
    if (source !== undefined) sources.set(entry.file, { sha256: '', hashes: new Map(), ...source });
    return entry;
  });
  return { payload: new Payload([contentsOf(entries)]), facts: { pycs, sources } };
}

/** A search that takes the bytes of what has one of these names, and what it took: by the path that was asked about. */
export function searchFor(names: RegExp, paths: readonly string[] = []) {
  const taken = new Map<string, string | Buffer>();
  const search: Search = {
    names,
    paths: new Set(paths as PayloadPath[]),
    visit:
      ({ path }) =>
      (content: Content) =>
        taken.set(path, 'unread' in content ? content.unread : Buffer.from(content)),
  };
  return { search, taken };
}
