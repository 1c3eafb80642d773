import { type AuditFinding, audit } from '../audit/audit.ts';
import type { AuditKind } from '../audit/kinds.ts';
import { summaryOf } from '../audit/summary.ts';
import { exitStatus } from '../errors.ts';
import { payloadOf, type Wanted } from '../payload/entry.ts';
import { payloadsOf, type ReadOptions, readTargets, type TargetContent } from '../payload/read.ts';
import { auditText } from '../report/audit.ts';
import { unreadableNotes } from '../report/findings.ts';
import type { CommandResult } from './result.ts';

export interface AuditOptions extends ReadOptions {
  readonly targets: readonly string[];
  /** Only these kinds of finding; empty: all. */
  readonly only: readonly AuditKind[];
  readonly ignore: readonly AuditKind[];
  /** The kinds that make the exit status 1; empty: all. */
  readonly failOn: readonly AuditKind[];
  readonly isVerbose: boolean;
}

/** `pyclink audit`: says what is wrong with the pycs of any target, without a manifest. @throws PyclinkError */
export async function auditCommand(options: AuditOptions): Promise<CommandResult> {
  const contents = await readAll(options);
  const payloads = payloadsOf(contents).map((together) => payloadOf(together.flatMap(({ entries }) => entries)));
  const unreadable = unreadableNotes(contents.flatMap((content) => content.unreadable));
  const { only, ignore, failOn } = options;
  const isMeant = ({ kind }: AuditFinding) => (only.length === 0 || only.includes(kind)) && !ignore.includes(kind);
  const all = payloads.flatMap(audit);
  const findings = all.filter(isMeant);
  const summary = summaryOf(payloads, all);
  const isFailure = findings.some(({ kind }) => failOn.length === 0 || failOn.includes(kind));
  return {
    status: isFailure || unreadable.length > 0 ? exitStatus.problems : exitStatus.done,
    text: auditText(findings, summary, unreadable, options.isVerbose),
    data: { findings, summary, unreadable },
  };
}

/** Reads the targets. If some pycs are hash-based, reads them again, and hashes the sources. */
async function readAll(options: AuditOptions): Promise<TargetContent[]> {
  const wanted: Wanted = { pycs: new Set(), sources: new Set(), hashMagicNumbers: [], inDepth: true };
  const contents = await readTargets(options.targets, wanted, options);
  const hashMagicNumbers = new Set<number>();
  for (const { header } of contents.flatMap(({ entries }) => entries)) {
    if (header === undefined || 'unreadable' in header || header.invalidationMode === 'timestamp') continue;
    hashMagicNumbers.add(header.magicNumber);
  }
  if (hashMagicNumbers.size === 0) return contents;
  return readTargets(options.targets, { ...wanted, hashMagicNumbers: [...hashMagicNumbers] }, options);
}
