import type { PayloadPath } from '../files/path.ts';
import type { PycFacts } from '../marshal/pyc-facts.ts';
import { type BytecodeFacts, searchForBytecode } from '../payload/bytecode.ts';
import type { PayloadEntry, Search, Unread } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import { type PycName, parsePycPath } from '../pyc/name.ts';
import { leftoverNames, leftoverReason } from './leftovers.ts';

/** A pyc with its name taken apart. */
export interface Pyc {
  readonly entry: PayloadEntry;
  readonly name: PycName<PayloadPath>;
  /** What its bytes say; undefined if there are none under its name. */
  readonly facts: PycFacts | Unread | undefined;
}

/** What an audit is about: a payload, and the pycs in it. */
export interface Audited {
  readonly payload: Payload;
  readonly facts: BytecodeFacts;
  readonly pycs: readonly Pyc[];
}

/** A search for all that an audit looks at. */
export function searchForAudit(pycs: 'in-depth' | 'code'): {
  readonly search: Search;
  readonly facts: BytecodeFacts;
} {
  const { search, facts } = searchForBytecode({ pycs, sources: false, hashMagicNumbers: [] });
  const names = [...search.names, ...leftoverNames, '*.so'];
  return { search: { ...search, names, directories: true }, facts };
}

/** Looks for the pycs that a payload stores. */
export function auditedOf(payload: Payload, facts: BytecodeFacts): Audited {
  const pycs: Pyc[] = [];
  for (const entry of payload.files) {
    if (entry.isGhost || leftoverReason(entry.path) !== undefined) continue;
    const name = parsePycPath(entry.path);
    if (name !== undefined) pycs.push({ entry, name, facts: facts.pycs.get(entry.file) });
  }
  // Where a symlink leads, pycs are only stored.
  const stored = new Set(pycs.flatMap(({ entry, name }) => (payload.has(name.source) ? (entry.leadsTo ?? []) : [])));
  const isUsed = ({ entry, name }: Pyc) => !stored.has(entry.path) || payload.has(name.source);
  return { payload, facts, pycs: pycs.filter(isUsed) };
}
