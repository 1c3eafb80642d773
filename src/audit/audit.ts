import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import type { BytecodeFacts } from '../payload/bytecode.ts';
import type { PayloadEntry } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import { cacheOf, isOfOtherUser, mismatchOf, readerProblems, sourceOf } from '../payload/source.ts';
import { pathTextOfPython } from '../printable.ts';
import type { PycHeader } from '../pyc/header.ts';
import { modeText } from '../text.ts';
import { inOrder } from '../verify/finding.ts';
import type { Audited, AuditedPyc } from './audited.ts';
import type { AuditFinding } from './finding.ts';
import type { AuditKind } from './kinds.ts';
import { leftoverReason } from './leftovers.ts';
import { missingLevels, unlinkedIn } from './levels.ts';
import { withoutBytecode } from './modules.ts';
import { Readers } from './readers.ts';
import { elsewhereIn } from './recorded-path.ts';

/** Finds problems with the pycs of a payload, sorted by path, then by kind. Needs no manifest. */
export function audit(audited: Audited): AuditFinding[] {
  const { payload, pycs, facts } = audited;
  const readers = new Readers(payload);
  const isElsewhere = elsewhereIn(payload);
  return inOrder([
    ...payload.all.flatMap(auditEntry),
    ...pycs.flatMap((pyc) => auditPyc(pyc, payload, facts, readers, isElsewhere)),
    ...unlinkedIn(pycs),
    ...missingLevels(pycs, payload),
    ...withoutBytecode(audited),
  ]);
}

/** Problems of a file or directory that do not depend on its content. */
function auditEntry({ path, container, mode, type, isGhost }: PayloadEntry): AuditFinding[] {
  if (isGhost || type === 'symlink') return [];
  const findings: AuditFinding[] = [];
  const add = (kind: AuditKind, detail: string) => findings.push({ kind, path, container, detail });
  const isWritable = (mode & 0o022) !== 0 && pythonDirectoryOf(path) !== undefined;
  if (isWritable && (type === 'directory' || /\.py[co]?$/.test(path))) {
    add('writable', `mode ${modeText(mode)}`);
  }
  const leftover = type === 'file' ? leftoverReason(path) : undefined;
  if (leftover !== undefined) add('leftover', leftover);
  return findings;
}

function auditPyc(
  { entry, name, facts: pyc }: AuditedPyc,
  payload: Payload,
  facts: BytecodeFacts,
  readers: Readers,
  isElsewhere: ReturnType<typeof elsewhereIn>,
): AuditFinding[] {
  const { path, container } = entry;
  const findings: AuditFinding[] = [];
  const add = (kind: AuditKind, detail: string) => findings.push({ kind, path, container, detail });
  if (pyc === undefined || 'unread' in pyc) {
    if (pyc?.isRefused !== true) add('damaged', pyc?.unread ?? 'it has no content in the payload');
    return findings;
  }
  const { header, damage, isNormal } = pyc;
  const recordedPath = pyc.recordedPath === undefined ? undefined : pathTextOfPython(pyc.recordedPath);
  if ('unreadable' in header) {
    // A pyc of Python 2 is a problem only in a directory of Python 3. pyclink reads only its header.
    const place = pythonDirectoryOf(path);
    if (header.isOfPython2 !== true) add('damaged', `it ${header.unreadable}`);
    else if (place !== undefined && place.kind !== 'python2') add('foreign', `it ${header.unreadable}`);
    return findings;
  }
  if (damage !== undefined) add('damaged', `its code cannot be read: ${damage}`);
  const source = sourceOf(payload, entry, name.source);
  const misplaced = readers.misplaced(entry, name, source);
  const isUnread = misplaced?.[0] === 'orphan' && name.cacheTag === undefined;
  const foreign = isUnread ? undefined : readers.foreignReason(path, name, header);
  if (foreign !== undefined) add('foreign', foreign);
  for (const { kind, detail } of source ? readerProblems(payload, entry, source) : []) add(kind, detail);
  const owned = [entry, cacheOf(payload, entry) ?? entry].find((one) => source && isOfOtherUser(one, source));
  if (owned !== undefined) {
    const what = owned === entry ? 'owner' : 'its directory has owner';
    add('writable', `${what} ${owned.owner}, its source has ${source?.owner}`);
  }
  // Whether a pyc without a source is used depends on who reads it.
  if (misplaced !== undefined && !(misplaced[0] === 'sourceless' && foreign !== undefined)) add(...misplaced);
  if (source !== undefined && misplaced?.[0] !== 'orphan') {
    const stale = staleFinding(header, source, facts, name.cacheTag === undefined);
    if (stale !== undefined) add(...stale);
  }
  if (recordedPath !== undefined && !isUnread && isElsewhere(recordedPath, name.source, container)) {
    add('leaks-path', recordedPath === '' ? 'it records no path' : `it records ${recordedPath}`);
  }
  if (isNormal === false) add('unreproducible', 'not normalized: set order or FLAG_REF bits differ');
  return findings;
}

/** A source that is older than its pyc records was clamped, not edited. In a zip, the mtime may have been rounded. */
function staleFinding(
  header: PycHeader,
  source: PayloadEntry,
  facts: BytecodeFacts,
  isBeside: boolean,
): [AuditKind, string] | undefined {
  const mismatch = mismatchOf(header, source, facts.sources.get(source.file), isBeside);
  if (mismatch === undefined) return undefined;
  const { mtimeSeconds, mtimeIs } = source;
  const later = header.invalidationMode === 'timestamp' ? mtimeSeconds - header.sourceMtimeSeconds : 0;
  const isGiven = later < 0 || (mtimeIs === 'rounded' && later <= 1) || mtimeIs === 'of-installation';
  return [mismatch.isOfMtime && isGiven ? 'never-loaded' : 'stale', mismatch.reason];
}
