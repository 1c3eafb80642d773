import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBaseline } from '../../src/audit/baseline.ts';
import type { AuditFinding } from '../../src/audit/finding.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import { temporaryDirectory } from '../helpers/buildroot.ts';

const finding = (kind: AuditFinding['kind'], path: string, detail = ''): AuditFinding => ({
  kind,
  path: path as PayloadPath,
  container: 'a.rpm',
  detail,
});

function written(text: string): string {
  const file = join(temporaryDirectory(), 'known.json');
  writeFileSync(file, text);
  return file;
}

describe('a baseline', () => {
  const text = JSON.stringify({ findings: [finding('stale', '/a.pyc', 'mtime 5'), finding('damaged', '/b.pyc')] });

  it('knows a finding by its kind and path, whatever its details', () => {
    const baseline = readBaseline(written(text));
    expect(baseline.isKnown(finding('stale', '/a.pyc', 'mtime 6'))).toBe(true);
    expect(baseline.isKnown(finding('damaged', '/a.pyc'))).toBe(false);
    expect(baseline.isKnown(finding('stale', '/b.pyc'))).toBe(false);
  });

  it('lists findings that no longer occur', () => {
    expect(readBaseline(written(text)).goneFrom([finding('stale', '/a.pyc')])).toEqual(['damaged /b.pyc']);
  });

  it.each([
    ['is not JSON', 'stale: 3'],
    ['is not an audit report', '[]'],
    ['is not an audit report', '{"findings":[{"kind":5}]}'],
  ])('refuses a file that %s', (reason, given) => {
    const path = written(given);
    const hint = 'a baseline is the output of pyclink audit --json';
    expect(() => readBaseline(path)).toThrow(expect.objectContaining({ code: 'usage', path, message: reason, hint }));
  });

  it('refuses a file that cannot be read', () => {
    const message = 'the baseline cannot be read (EISDIR)';
    expect(() => readBaseline(temporaryDirectory())).toThrow(expect.objectContaining({ message, hint: undefined }));
  });
});
