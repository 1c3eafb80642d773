import type { Log, ReportingDescriptor, Result } from 'sarif';
import type { AuditFinding } from '../audit/audit.ts';
import { type AuditKind, auditKinds } from '../audit/kinds.ts';
import { printable } from '../printable.ts';
import { version } from '../version.ts';

/** Findings for tools that show the results of analyses. @see SARIF 2.1.0, an OASIS standard */
export function sarifLog(findings: readonly AuditFinding[]): Log {
  const kinds = Object.keys(auditKinds) as AuditKind[];
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'pyclink', semanticVersion: version, rules: kinds.map(ruleOf) } },
        results: findings.map((finding) => resultOf(finding, kinds)),
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

function resultOf({ kind, path, detail }: AuditFinding, kinds: readonly AuditKind[]): Result {
  return {
    ruleId: kind,
    ruleIndex: kinds.indexOf(kind),
    level: levelOf(kind),
    message: { text: sentence(printable(detail)) },
    // A pyc has no lines, but some readers of SARIF show no result without one.
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

/** Wrong code, or code that is not loaded; what costs time or space is a note. */
function levelOf(kind: AuditKind): 'error' | 'warning' | 'note' {
  if (kind === 'damaged' || kind === 'stale') return 'error';
  return kind === 'missing-level' || kind === 'unlinked' || kind === 'unreproducible' ? 'note' : 'warning';
}
