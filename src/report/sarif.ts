import type { Log, ReportingDescriptor, Result } from 'sarif';
import { type AuditFinding, detailOf } from '../audit/finding.ts';
import { type AuditKind, auditAdvice, auditKindNames, auditKinds } from '../audit/kinds.ts';
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
    fullDescription: { text: `${sentence(auditKinds[kind])} To do: ${auditAdvice[kind]}.` },
    help: { text: `To do: ${auditAdvice[kind]}.` },
    defaultConfiguration: { level: levelOf(kind) },
  };
}

function resultOf(finding: AuditFinding): Result {
  const { kind, path, container } = finding;
  return {
    ruleId: kind,
    ruleIndex: auditKindNames.indexOf(kind),
    level: levelOf(kind),
    message: { text: sentence(printable(detailOf(finding))) },
    // Some viewers show only results with a line number. A pyc has no lines, so use the first.
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: uriOf(path) }, region: { startLine: 1 } },
        ...(container === ''
          ? {}
          : { logicalLocations: [{ fullyQualifiedName: printable(container), kind: 'resource' }] }),
      },
    ],
    partialFingerprints: { 'kindPathAndContainer/v1': printable(`${kind} ${path} ${container}`) },
  };
}

/** A path as a relative URI, from the root of the payload. @see RFC 3986 */
function uriOf(path: string): string {
  return path
    .replace(/\p{Cs}/gu, '\ufffd')
    .replace(/^\//, '')
    .split('/')
    .map(encodeURIComponent)
    .join('/');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** The severity of a finding: an error if wrong code may run or none loads, a note if it costs only time or space. */
function levelOf(kind: AuditKind): 'error' | 'warning' | 'note' {
  if (kind === 'differs' || kind === 'damaged' || kind === 'stale') return 'error';
  return notes.includes(kind) ? 'note' : 'warning';
}

const notes: readonly AuditKind[] = ['no-bytecode', 'missing-level', 'unlinked', 'shadowed', 'unreproducible'];
