import type { Log, ReportingDescriptor, Result } from 'sarif';
import type { AuditFinding } from '../audit/finding.ts';
import { type AuditKind, auditKindNames, auditKinds } from '../audit/kinds.ts';
import { printable } from '../printable.ts';
import { version } from '../version.ts';

/** The findings as a SARIF log, which code hosts and editors can show. @see SARIF 2.1.0, an OASIS standard */
export function sarifLog(findings: readonly AuditFinding[]): Log {
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'pyclink', semanticVersion: version, rules: auditKindNames.map(ruleOf) } },
        results: findings.map(resultOf),
      },
    ],
  };
}

function ruleOf(kind: AuditKind): ReportingDescriptor {
  return {
    id: kind,
    shortDescription: { text: sentence(auditKinds[kind]) },
    defaultConfiguration: { level: levelOf(kind) },
  };
}

function resultOf({ kind, path, detail }: AuditFinding): Result {
  return {
    ruleId: kind,
    ruleIndex: auditKindNames.indexOf(kind),
    level: levelOf(kind),
    message: { text: sentence(printable(detail)) },
    // Some viewers show only results that have a line number. A pyc has no lines: take the first.
    locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(path) }, region: { startLine: 1 } } }],
    partialFingerprints: { 'kindAndPath/v1': `${kind} ${path}` },
  };
}

/** A path as a relative URI, from the root of the payload. @see RFC 3986 */
function uriOf(path: string): string {
  return path.replace(/^\//, '').split('/').map(encodeURIComponent).join('/');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** How bad a finding is: an error if wrong code may run or none loads; a note if it only costs time or space. */
function levelOf(kind: AuditKind): 'error' | 'warning' | 'note' {
  if (kind === 'damaged' || kind === 'stale') return 'error';
  return kind === 'missing-level' || kind === 'unlinked' || kind === 'unreproducible' ? 'note' : 'warning';
}
