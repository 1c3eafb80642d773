import { byCodeUnit, type PayloadPath } from '../buildroot/path.ts';
import { staleReason } from '../bytecode/pyc-header.ts';
import type { PycRecord } from '../manifest/schema.ts';
import type { Payload, PayloadEntry } from './payload.ts';

/** What is wrong, by kind; the text is for people who see the kind for the first time. */
const findingKinds = {
  missing: 'in the manifest, but not in the payload',
  unlinked: 'not one file with the other names of its link group',
  split: 'its link group is spread over packages, which cannot record the link',
  'metadata-differs': 'recorded with another mode or owner than the other names of its link group',
  ghosted: 'recorded as a ghost and not installed, unlike the other names of its link group',
  stale: 'does not fit its source',
  damaged: 'not the bytes that were built',
} as const;

type FindingKind = keyof typeof findingKinds;

/** One thing that is wrong with one path. */
export interface Finding {
  readonly kind: FindingKind;
  readonly path: PayloadPath;
  /** The particulars. */
  readonly detail: string;
}

/**
 * Holds a payload against the records of a manifest. A link group is intact if its names are one file; that the file
 * has further names, or is stored under another of them, is nobody's business.
 * @returns the findings, sorted by path
 */
export function check(records: readonly PycRecord[], payload: Payload): Finding[] {
  return records
    .flatMap((record) => checkRecord(record, payload))
    .sort((a, b) => byCodeUnit(a.path, b.path) || byCodeUnit(a.kind, b.kind));
}

function checkRecord(record: PycRecord, payload: Payload): Finding[] {
  const present = record.paths.flatMap((path) => payload.get(path) ?? []);
  const findings: Finding[] = record.paths
    .filter((path) => !payload.has(path))
    .map((path) => ({ kind: 'missing', path, detail: findingKinds.missing }));
  if (present.length === 0) return findings;
  findings.push(...checkGroup(present));
  const sources = payload.get(record.source);
  if (sources === undefined) {
    findings.push({ kind: 'missing', path: record.source, detail: 'the source of pycs that are in the payload' });
  }
  for (const entry of present) {
    if (entry.isGhost) continue;
    if (entry.sha256 !== undefined && entry.sha256 !== record.sha256) {
      findings.push({ kind: 'damaged', path: entry.path, detail: damage(entry) });
    }
    const reason = sources === undefined ? undefined : staleAgainst(entry, sources);
    if (reason !== undefined) findings.push({ kind: 'stale', path: entry.path, detail: reason });
  }
  return findings;
}

/** Whether the names of a group are one file, as far as they are present. */
function checkGroup(present: readonly PayloadEntry[]): Finding[] {
  const findings: Finding[] = [];
  const [first, ...others] = present.filter((entry) => !entry.isGhost);
  for (const { path } of present.filter((entry) => entry.isGhost)) {
    findings.push({ kind: 'ghosted', path, detail: findingKinds.ghosted });
  }
  if (first === undefined) return findings;
  for (const entry of others) {
    if (entry.container !== first.container) {
      findings.push({
        kind: 'split',
        path: entry.path,
        detail: `in ${entry.container}, ${first.path} in ${first.container}`,
      });
    } else if (entry.inode !== first.inode) {
      findings.push({ kind: 'unlinked', path: entry.path, detail: `another file than ${first.path}` });
    }
    if (entry.mode !== first.mode || entry.owner !== first.owner) {
      const detail = `${metadata(entry)}, ${first.path} has ${metadata(first)}`;
      findings.push({ kind: 'metadata-differs', path: entry.path, detail });
    }
  }
  return findings;
}

function staleAgainst(pyc: PayloadEntry, sources: readonly PayloadEntry[]): string | undefined {
  if (pyc.header === undefined || 'unreadable' in pyc.header) return undefined;
  const { header } = pyc;
  const source = sources.find(({ container }) => container === pyc.container) ?? sources[0];
  if (source === undefined) return undefined;
  return staleReason(header, { ...source, hash: (magicNumber) => source.sourceHashes?.get(magicNumber) ?? '' });
}

function damage({ header }: PayloadEntry): string {
  return header !== undefined && 'unreadable' in header ? `it ${header.unreadable}` : 'its SHA-256 is another';
}

function metadata({ mode, owner }: PayloadEntry): string {
  return `mode ${mode.toString(8).padStart(4, '0')} owner ${owner}`;
}
