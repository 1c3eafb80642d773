import { html } from 'hono/html';
import type { AuditFinding } from '../audit/finding.ts';
import { auditKinds, byKind } from '../audit/kinds.ts';
import { printable } from '../printable.ts';

/**
 * Findings for servers that show the results of tests: a failed test for each, and a passed one for each kind that was
 * not found.
 * @see https://github.com/testmoapp/junitxml
 */
export function junitXml(findings: readonly AuditFinding[]): string {
  const cases = Array.from(byKind(findings)).flatMap(([kind, ofKind]) =>
    ofKind.length === 0 ? [html`  <testcase classname="pyclink.${kind}" name="none"/>\n`] : ofKind.map(failed),
  );
  const document = html`<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
 <testsuite name="pyclink audit" tests="${cases.length}" failures="${findings.length}">
${cases} </testsuite>
</testsuites>
`;
  return document.toString();
}

function failed({ kind, path, detail }: AuditFinding) {
  const text = printable(detail);
  return html`  <testcase classname="pyclink.${kind}" name="${printable(path)}"><failure type="${kind}" message="${text}">${printable(path)}: ${text}: ${auditKinds[kind]}</failure></testcase>\n`;
}
