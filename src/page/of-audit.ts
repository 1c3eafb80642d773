import type { Audited } from '../audit/audited.ts';
import { type AuditFinding, detailOf } from '../audit/finding.ts';
import { auditAdvice, auditKindNames, auditKinds, byKind } from '../audit/kinds.ts';
import type { AuditSummary } from '../audit/summary.ts';
import { counted, percentText, sizeText } from '../text.ts';
import { modulesOfAudit } from './modules.ts';
import type { Page } from './page.ts';

/**
 * Makes a page of an audit.
 * @param all all findings
 * @param findings the findings to show
 */
export function pageOfAudit(
  targets: readonly string[],
  audited: readonly Audited[],
  all: readonly AuditFinding[],
  findings: readonly AuditFinding[],
  summary: AuditSummary,
  notes: readonly string[],
): Page {
  const { sizeBytes, savedBytes, modules, modulesWithoutBytecode } = summary;
  const sorted = byKind(findings);
  return {
    title: `pyclink audit ${targets.join(' ')}`,
    headline: `${sizeText(sizeBytes)} of bytecode; links would save ${sizeText(savedBytes)} (${percentText(savedBytes, sizeBytes)}).`,
    facts: [`${modulesWithoutBytecode} of ${counted(modules, 'module')} without bytecode`, ...notes],
    hatched: 'links would save',
    modules: modulesOfAudit(audited, all),
    findings: [...sorted.values()].flat().map((finding) => ({ ...finding, detail: detailOf(finding) })),
    meanings: Object.fromEntries(
      auditKindNames.map((kind) => [kind, `${auditKinds[kind]}. To do: ${auditAdvice[kind]}.`]),
    ),
  };
}
