import { describe, expect, it } from 'vitest';
import type { DiffFinding } from '../../src/diff/diff.ts';
import { diffText } from '../../src/report/diff.ts';

const finding = (more: Partial<DiffFinding>): DiffFinding => ({
  kind: 'mtime',
  path: '/lib/a.py' as DiffFinding['path'],
  cacheTag: 'cpython-311',
  levels: [0],
  detail: 'now, was then',
  ...more,
});

describe('diffText', () => {
  it('has a line for each difference, the notes, and a summary in the order of the kinds', () => {
    const differences = [
      finding({}),
      finding({ kind: 'code', code: 'shop.pay', levels: [0, 1], detail: 'constant 1 is int 2, was int 1' }),
    ];
    const summary = { modules: 3, same: 1, mtime: 1, code: 1 };
    expect(diffText({ differences, summary, unreadable: ['/x: cannot be read (EACCES)'] }, false)).toBe(
      'mtime: /lib/a.py: now, was then (level 0)\n' +
        'code: /lib/a.py: shop.pay: constant 1 is int 2, was int 1 (levels 0 1)\n' +
        'pyclink: /x: cannot be read (EACCES)\n' +
        'pyclink: 3 modules: 1 with different code, 1 with a different mtime, 1 unchanged\n',
    );
  });

  it('shortens only kinds that a build may have for each module', () => {
    const many = (kind: DiffFinding['kind']) => Array.from({ length: 9 }, () => finding({ kind }));
    const report = {
      differences: [...many('mtime'), ...many('code')],
      summary: { modules: 9, same: 0 },
      unreadable: [],
    };
    const lines = diffText(report, false).split('\n');
    expect(lines.filter((line) => line.startsWith('mtime: /'))).toHaveLength(5);
    expect(lines.filter((line) => line.startsWith('code: '))).toHaveLength(9);
    expect(lines).toContain('mtime: 4 more: -v lists them');
    expect(
      diffText(report, true)
        .split('\n')
        .filter((line) => line.startsWith('mtime: ')),
    ).toHaveLength(9);
  });

  it('escapes what names may have', () => {
    const path = '/lib/\u001b[31m.py' as DiffFinding['path'];
    const report = { differences: [finding({ path })], summary: { modules: 1, same: 0 }, unreadable: [] };
    expect(diffText(report, false)).not.toContain('\u001b');
  });
});
