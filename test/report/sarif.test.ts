import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Ajv from 'ajv-draft-04';
import { expect, it } from 'vitest';
import type { AuditFinding } from '../../src/audit/finding.ts';
import { type AuditKind, auditKinds } from '../../src/audit/kinds.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import { sarifLog } from '../../src/report/sarif.ts';

const path = '/usr/lib/python3.13/site-packages/a b#é\n.py' as PayloadPath;
const kinds = Object.keys(auditKinds) as AuditKind[];
const each = kinds.map((kind): AuditFinding => ({ kind, path, container: 'a.rpm', detail: 'it is\nso' }));

it('conforms to the published schema', () => {
  const schema = createRequire(import.meta.url).resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
  const validate = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(
    JSON.parse(readFileSync(schema, 'utf8')),
  );
  for (const findings of [[], each]) {
    validate(JSON.parse(JSON.stringify(sarifLog(findings))));
    expect(validate.errors ?? []).toEqual([]);
  }
  expect(validate({ ...sarifLog([]), version: '3' })).toBe(false);
});

it('has a rule for each kind, and for each finding its place as a relative URI', () => {
  const [run] = sarifLog(each).runs;
  expect(run?.tool.driver.rules?.map(({ id }) => id)).toEqual(kinds);
  for (const { help, fullDescription } of run?.tool.driver.rules ?? []) {
    expect(help?.text).toMatch(/^To do: \S/);
    expect(fullDescription?.text).toContain(help?.text);
  }
  for (const [i, result] of (run?.results ?? []).entries()) {
    expect(result).toMatchObject({
      ruleId: kinds[i],
      ruleIndex: i,
      message: { text: 'It is\\nso, in a.rpm.' },
      locations: [
        { physicalLocation: { artifactLocation: { uri: 'usr/lib/python3.13/site-packages/a%20b%23%C3%A9%0A.py' } } },
      ],
    });
  }
});
