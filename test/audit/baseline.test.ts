import { describe, expect, it } from 'vitest';
import { parseBaseline } from '../../src/audit/baseline.ts';
import type { AuditFinding } from '../../src/audit/finding.ts';
import type { PayloadPath } from '../../src/files/path.ts';

const finding = (kind: AuditFinding['kind'], path: string, detail = ''): AuditFinding => ({
  kind,
  path: path as PayloadPath,
  container: 'a.rpm',
  detail,
});

describe('a baseline', () => {
  const text = JSON.stringify({ findings: [finding('stale', '/a.pyc', 'mtime 5'), finding('damaged', '/b.pyc')] });
  const baseline = parseBaseline(text, 'known.json');

  it('knows a finding by its kind and path, whatever its details', () => {
    expect(baseline.isKnown(finding('stale', '/a.pyc', 'mtime 6'))).toBe(true);
    expect(baseline.isKnown(finding('damaged', '/a.pyc'))).toBe(false);
    expect(baseline.isKnown(finding('stale', '/b.pyc'))).toBe(false);
  });

  it('lists findings that no longer occur', () => {
    expect(baseline.goneFrom([finding('stale', '/a.pyc')])).toEqual(['damaged /b.pyc']);
  });

  it.each([
    ['is not JSON', 'stale: 3'],
    ['is not an audit report', '[]'],
    ['is not an audit report', '{"findings":[{"kind":5}]}'],
  ])('refuses a file that %s', (reason, given) => {
    expect(() => parseBaseline(given, 'known.json')).toThrow(
      expect.objectContaining({ code: 'usage', path: 'known.json', message: reason }),
    );
  });
});
