import type { Audited, AuditFinding } from '../audit/audit.ts';
import { type AuditKind, auditKinds } from '../audit/kinds.ts';
import type { AuditSummary } from '../audit/summary.ts';
import type { PayloadPath } from '../files/path.ts';
import { parsePycPath } from '../pyc/name.ts';
import { counted, percentText, sizeText } from '../text.ts';
import { modulesOfAudit } from './modules.ts';
import type { Page } from './page.ts';

/** What an audit found, as a page. */
export function pageOfAudit(
  targets: readonly string[],
  audited: readonly Audited[],
  findings: readonly AuditFinding[],
  summary: AuditSummary,
  notes: readonly string[],
): Page {
  const { sizeBytes, savedBytes, modules, modulesWithoutBytecode } = summary;
  const kinds = Object.keys(auditKinds) as AuditKind[];
  const counts = kinds.flatMap((kind) => {
    const count = findings.filter((finding) => finding.kind === kind).length;
    return count === 0 ? [] : [`${kind}: ${count}: ${auditKinds[kind]}`];
  });
  return {
    title: `pyclink audit ${targets.join(' ')}`,
    headline: `${sizeText(sizeBytes)} of bytecode; links would save ${sizeText(savedBytes)} (${percentText(savedBytes, sizeBytes)}).`,
    facts: [...counts, `${modulesWithoutBytecode} of ${counted(modules, 'module')} without bytecode`, ...notes],
    hatched: 'links would save',
    modules: modulesOfAudit(audited, couldSave(findings)),
    findings: kinds.flatMap((kind) => findings.filter((finding) => finding.kind === kind)),
  };
}

function couldSave(findings: readonly AuditFinding[]): ReadonlyMap<PayloadPath, number> {
  const bySource = new Map<PayloadPath, number>();
  for (const { path, savedBytes = 0 } of findings) {
    const source = parsePycPath(path)?.source;
    if (source !== undefined) bySource.set(source, (bySource.get(source) ?? 0) + savedBytes);
  }
  return bySource;
}
