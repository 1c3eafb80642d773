import { html } from 'hono/html';
import { type AuditFinding, detailOf } from '../audit/finding.ts';
import { auditAdvice, auditKinds, byKind } from '../audit/kinds.ts';
import { printable } from '../printable.ts';

/**
 * Findings as JUnit XML, for servers that show test results: a failed test for each finding, and a passed one for each
 * kind without findings.
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

function failed(finding: AuditFinding) {
  const { kind, path, container } = finding;
  const text = printable(detailOf(finding));
  const name = printable(container === '' ? path : `${container}: ${path}`);
  const meaning = `${auditKinds[kind]}; to do: ${auditAdvice[kind]}`;
  return html`  <testcase classname="pyclink.${kind}" name="${name}"><failure type="${kind}" message="${text}">${printable(path)}: ${text}: ${meaning}</failure></testcase>\n`;
}
