import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { auditKinds } from '../../src/audit/kinds.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import { junitXml } from '../../src/report/junit.ts';

it('has a failed test for each finding, and a passed one for each kind without findings', () => {
  const kinds = Object.keys(auditKinds).length;
  const text = junitXml([
    { kind: 'stale', path: '/a & <b>.pyc' as PayloadPath, container: 'a.rpm', detail: 'it records "5"\x07' },
  ]);
  expect(text).toContain(`<testsuite name="pyclink audit" tests="${kinds}" failures="1">`);
  expect(text).toContain(
    '<testcase classname="pyclink.stale" name="a.rpm: /a &amp; &lt;b&gt;.pyc"><failure type="stale" ' +
      'message="it records &quot;5&quot;\\u0007, in a.rpm">/a &amp; &lt;b&gt;.pyc: ',
  );
  expect(text.match(/<testcase[^>]*\/>/g)).toHaveLength(kinds - 1);
  expect(junitXml([])).toContain(`tests="${kinds}" failures="0"`);
});

it('is valid XML for any name', () => {
  const path = '/\uffff\u202e\ud800\0\u{1ffff}<&"\'.pyc' as PayloadPath;
  const input = junitXml([{ kind: 'stale', path, container: 'a\ufffe.rpm', detail: '\x1b]' }]);
  const script = 'import sys, xml.dom.minidom as m; print(m.parse(sys.stdin.buffer).documentElement.tagName)';
  expect(execFileSync('python3', ['-c', script], { input, encoding: 'utf8' })).toBe('testsuites\n');
  expect(input).not.toMatch(/\p{Bidi_Control}/u);
});
