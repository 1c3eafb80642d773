import type { PayloadPath } from '../files/path.ts';
import type { PycFacts } from '../marshal/pyc-facts.ts';
import { type BytecodeFacts, searchForBytecode } from '../payload/bytecode.ts';
import type { PayloadEntry, Search, Unread } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import { moduleInCache, type PycName, parsePycPath } from '../pyc/name.ts';
import { leftoverNames, leftoverReason } from './leftovers.ts';

/** A pyc with its parsed name. */
export interface AuditedPyc {
  readonly entry: PayloadEntry;
  readonly name: PycName<PayloadPath>;
  /** What was read from its bytes; undefined if it has no content. */
  readonly facts: PycFacts | Unread | undefined;
}

/** The subject of an audit: a payload and its pycs. */
export interface Audited {
  readonly payload: Payload;
  readonly facts: BytecodeFacts;
  readonly pycs: readonly AuditedPyc[];
}

/** A search for everything that an audit examines. */
export function searchForAudit(pycs: 'in-depth' | 'code'): {
  readonly search: Search;
  readonly facts: BytecodeFacts;
} {
  const { search, facts } = searchForBytecode({ pycs, sources: false, hashMagicNumbers: [] });
  const names = new RegExp([search.names, leftoverNames, /\.so$/].map(({ source }) => source).join('|'));
  return { search: { ...search, names }, facts };
}

/** Collects the pycs that a payload stores. */
export function auditedOf(payload: Payload, facts: BytecodeFacts): Audited {
  const pycs: AuditedPyc[] = [];
  for (const entry of payload.files) {
    if (entry.isGhost || leftoverReason(entry.path) !== undefined) continue;
    const name = parsePycPath(entry.path) ?? moduleInCache(entry.path);
    if (name !== undefined) pycs.push({ entry, name, facts: facts.pycs.get(entry.file) });
  }
  // Pycs at the target of a symlink are only stored there, not used.
  const stored = new Set(pycs.flatMap(({ entry, name }) => (payload.has(name.source) ? (entry.leadsTo ?? []) : [])));
  const isUsed = ({ entry, name }: AuditedPyc) => !stored.has(entry.path) || payload.has(name.source);
  return { payload, facts, pycs: pycs.filter(isUsed) };
}
