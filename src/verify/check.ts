import type { PayloadPath } from '../files/path.ts';
import type { PycRecord } from '../manifest/schema.ts';
import type { PycFacts } from '../marshal/pyc-facts.ts';
import type { BytecodeFacts, SourceFacts } from '../payload/bytecode.ts';
import type { PayloadEntry, Unread } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import { mismatchOf, readerProblems, sourceOf } from '../payload/source.ts';
import { parsePycPath } from '../pyc/name.ts';
import { modeText } from '../text.ts';
import { type Finding, type FindingKind, inOrder } from './finding.ts';

/**
 * Checks a payload against the records of a manifest. A link group is intact if its names are one file; further names
 * of that file do not matter. Ignores sources that are missing together with all their pycs.
 */
export function check(records: readonly PycRecord[], payload: Payload, facts: BytecodeFacts): Finding[] {
  const left = leftOut(records, payload);
  const expected = records.filter(({ source }) => !left.has(source));
  const findings = [
    ...expected.flatMap((record) => checkRecord(record, payload, facts)),
    ...sourceless(expected, payload),
  ];
  return inOrder(findings.map((finding) => withLayer(finding, payload)));
}

/** Adds the layer of an image that removed the path, or wrote the file that is there now. */
function withLayer(finding: Finding, payload: Payload): Finding {
  const { kind, path, detail } = finding;
  const source = kind === 'stale' ? parsePycPath(path)?.source : undefined;
  const remover = payload.removedBy.get(path);
  if (remover !== undefined) return { ...finding, detail: `${detail}: ${remover} removed it` };
  const replacer = (of: PayloadPath | undefined) => of && payload.at(of)[0]?.replacedBy;
  const layers = [...(replacer(path) ? [`${replacer(path)} wrote it`] : [])];
  if (replacer(source)) layers.push(`${replacer(source)} wrote its source`);
  return layers.length === 0 ? finding : { ...finding, detail: `${detail}: ${layers.join(', ')}` };
}

/**
 * The sources that are missing from a payload together with all their pycs, as with `%exclude` and subpackages. Files
 * that a layer of an image removed do not count.
 */
export function leftOut(records: readonly PycRecord[], payload: Payload): ReadonlySet<PayloadPath> {
  const sources = new Set(records.map(({ source }) => source).filter((source) => !payload.has(source)));
  const isKnown = (path: PayloadPath) => payload.has(path) || payload.removedBy.has(path);
  for (const { source, paths } of records) if (paths.some(isKnown)) sources.delete(source);
  return sources;
}

/** Finds missing sources whose pycs exist. Pycs next to sources are exempt: Python loads them without one. */
function sourceless(records: readonly PycRecord[], payload: Payload): Finding[] {
  const isThere = (path: PayloadPath) => payload.at(path).some(({ type }) => type !== 'directory');
  const gone = records.filter(
    ({ source, paths, cacheTag }) => cacheTag === undefined && !isThere(source) && paths.some(isThere),
  );
  const detail = 'in the manifest, but not in the payload, although its pycs are';
  return Array.from(new Set(gone.map(({ source }) => source)), (path) => ({ kind: 'missing', path, detail }));
}

function checkRecord(record: PycRecord, payload: Payload, facts: BytecodeFacts): Finding[] {
  const present = record.paths.flatMap((path) =>
    payload.at(path).flatMap((entry) => (entry.type === 'directory' ? [] : { ...entry, path })),
  );
  const stored = present.filter((entry) => entry.isGhost !== true && entry.type === 'file');
  const ghosts = present.filter((entry) => entry.isGhost);
  const missing = record.paths.filter((path) => !present.some((entry) => entry.path === path));
  // A package may own pycs without storing them: all names of the file are then ghosts.
  const isMeant = missing.length === 0 && ghosts.length === present.length;
  return [
    ...missing.map((path) => finding('missing', path, 'in the manifest, but not in the payload')),
    ...present.filter(({ type }) => type === 'symlink').map((entry) => at(entry, 'missing', 'is a symlink')),
    ...(isMeant ? [] : ghosts.map((entry) => at(entry, 'ghosted', 'the package lists it, but does not store it'))),
    ...[...new Set(stored.map(({ container }) => container))].flatMap((container) => checkContainer(container, stored)),
    ...stored.flatMap((entry) => checkContent(entry, record, payload, facts)),
  ];
}

/** Checks that one container has all names of a group, as one file. */
function checkContainer(container: string, stored: readonly PayloadEntry[]): Finding[] {
  const here = stored.filter((entry) => entry.container === container);
  const elsewhere = stored.find(({ path }) => !here.some((entry) => entry.path === path));
  const [first, ...others] = here as [PayloadEntry, ...PayloadEntry[]];
  const findings = others.flatMap((entry) => compare(entry, first));
  if (elsewhere !== undefined) {
    const detail = `in ${container}, but ${elsewhere.path} is in ${elsewhere.container}`;
    findings.push(...here.map((entry) => at(entry, 'split', detail)));
  }
  return findings;
}

function compare(entry: PayloadEntry, first: PayloadEntry): Finding[] {
  const findings: Finding[] = [];
  if (entry.file !== first.file) {
    const writer = first.replacedBy === undefined ? '' : `, which ${first.replacedBy} wrote`;
    findings.push(at(entry, 'unlinked', `not the same file as ${first.path}${writer}`));
  }
  if (entry.mode !== first.mode || entry.owner !== first.owner) {
    const detail = `${metadata(entry)}, ${first.path} has ${metadata(first)}`;
    findings.push(at(entry, 'metadata-differs', detail));
  }
  return findings;
}

function checkContent(entry: PayloadEntry, record: PycRecord, payload: Payload, facts: BytecodeFacts): Finding[] {
  const findings: Finding[] = [];
  const pyc = facts.pycs.get(entry.file);
  const damage = damageIn(pyc, record);
  if (damage !== undefined) findings.push(at(entry, 'damaged', damage));
  const source = sourceOf(payload, entry, record.source);
  if (source === undefined) return findings;
  findings.push(...readerProblems(payload, entry, source).map(({ kind, detail }) => at(entry, kind, detail)));
  if (pyc === undefined || 'unread' in pyc || 'unreadable' in pyc.header) return findings;
  const mismatch = mismatchOf(pyc.header, source, facts.sources.get(source.file), record.cacheTag !== undefined);
  const changed = changeOf(facts.sources.get(source.file), record);
  if (mismatch !== undefined) findings.push(at(entry, 'stale', mismatch.reason));
  else if (changed !== undefined) findings.push(at(entry, 'source-changed', changed));
  return findings;
}

/** How a source differs from the one that was compiled, regardless of size and mtime. */
function changeOf(source: SourceFacts | Unread | undefined, { sourceSha256 }: PycRecord): string | undefined {
  if (sourceSha256 === undefined || source === undefined || 'unread' in source) return undefined;
  return source.sha256 === sourceSha256 ? undefined : 'its source changed after compilation: SHA-256 mismatch';
}

function damageIn(pyc: PycFacts | Unread | undefined, record: PycRecord): string | undefined {
  if (pyc === undefined) return 'it has no content in the payload';
  if ('unread' in pyc) return pyc.isRefused === true ? undefined : pyc.unread;
  const { header, damage, sha256 } = pyc;
  if ('unreadable' in header) return `it ${header.unreadable}`;
  if (sha256 !== record.sha256) return 'SHA-256 mismatch';
  return damage === undefined ? undefined : `its code cannot be read: ${damage}`;
}

function metadata({ mode, owner }: PayloadEntry): string {
  return `mode ${modeText(mode)} owner ${owner}`;
}

function finding(kind: FindingKind, path: PayloadPath, detail: string): Finding {
  return { kind, path, detail };
}

function at({ path, container }: PayloadEntry, kind: FindingKind, detail: string): Finding {
  return { kind, path, container, detail };
}
