import { expect, it } from 'vitest';
import { auditKinds } from '../../src/audit/kinds.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import { junitXml } from '../../src/report/junit.ts';

it('has a failed test for each finding, and a passed one for each kind that was not found', () => {
  const kinds = Object.keys(auditKinds).length;
  const text = junitXml([
    { kind: 'stale', path: '/a & <b>.pyc' as PayloadPath, container: 'a.rpm', detail: 'it records "5"\x07' },
  ]);
  expect(text).toContain(`<testsuite name="pyclink audit" tests="${kinds}" failures="1">`);
  expect(text).toContain(
    '<testcase classname="pyclink.stale" name="/a &amp; &lt;b&gt;.pyc"><failure type="stale" ' +
      'message="it records &quot;5&quot;\\u0007">/a &amp; &lt;b&gt;.pyc: ',
  );
  expect(text.match(/<testcase[^>]*\/>/g)).toHaveLength(kinds - 1);
  expect(junitXml([])).toContain(`tests="${kinds}" failures="0"`);
});
