import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import { verifyText } from '../../src/report/findings.ts';
import type { Finding } from '../../src/verify/finding.ts';

const finding = (kind: Finding['kind'], path: string, detail: string): Finding => ({
  kind,
  path: path as PayloadPath,
  detail,
});

const report = { pycs: 3, linkGroups: 1, findings: [], unrelated: [], leftOut: 0, others: 0, unreadable: [] };

describe('verifyText', () => {
  it.each<[string, Finding[], number, number, string]>([
    ['nothing wrong', [], 3, 1, 'pyclink: 3 pycs, 1 link group: all as built\n'],
    [
      'one finding',
      [finding('stale', '/a.pyc', 'why')],
      1,
      0,
      'stale: /a.pyc: why\npyclink: 1 pyc, 0 link groups: 1 finding\n',
    ],
    [
      'two findings, one with a name that would break the line',
      [finding('missing', '/a\n.pyc', 'gone'), finding('split', '/b.pyc', 'in b.rpm, /a.pyc in a.rpm')],
      3,
      1,
      'missing: /a\\n.pyc: gone\nsplit: /b.pyc: in b.rpm, /a.pyc in a.rpm\npyclink: 3 pycs, 1 link group: 2 findings\n',
    ],
  ])('of %s', (_name, findings, pycs, linkGroups, text) => {
    expect(verifyText({ ...report, findings, pycs, linkGroups }, [], true)).toBe(text);
  });

  it('has the notes before the summary', () => {
    const notes = ['other.deb: it contains no pyc of the manifest'];
    expect(verifyText(report, notes, true)).toBe(
      'pyclink: other.deb: it contains no pyc of the manifest\npyclink: 3 pycs, 1 link group: all as built\n',
    );
  });

  it('does not say that all is as built if something was unreadable', () => {
    const notes = ['/x/a.pyc: cannot be read (EACCES)'];
    expect(verifyText({ ...report, unreadable: notes }, notes, true)).toBe(
      'pyclink: /x/a.pyc: cannot be read (EACCES)\npyclink: 3 pycs, 1 link group: 0 findings, 1 unreadable\n',
    );
  });
});
