import { type AuditFinding, audit } from '../audit/audit.ts';
import type { AuditKind } from '../audit/kinds.ts';
import { summaryOf } from '../audit/summary.ts';
import { exitStatus } from '../errors.ts';
import { payloadOf, type Wanted } from '../payload/entry.ts';
import { type ReadOptions, readTargets, type TargetContent } from '../payload/read.ts';
import { auditText } from '../report/audit.ts';
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
  const payload = payloadOf((await readAll(options)).flatMap(({ entries }) => entries));
  const { only, ignore, failOn } = options;
  const isMeant = ({ kind }: AuditFinding) => (only.length === 0 || only.includes(kind)) && !ignore.includes(kind);
  const findings = audit(payload).filter(isMeant);
  const summary = summaryOf(payload, findings);
  const isFailure = findings.some(({ kind }) => failOn.length === 0 || failOn.includes(kind));
  return {
    status: isFailure ? exitStatus.problems : exitStatus.done,
    text: auditText(findings, summary, options.isVerbose),
    data: { findings, summary },
  };
}

/** Reads the targets; a second time if there are hash-based pycs, whose sources have to be hashed. */
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
