import { describe, expect, it } from 'vitest';
import type { BuildReport } from '../../src/build/report.ts';
import { buildReportText, summaryLine } from '../../src/report/build-report.ts';

const report: BuildReport = {
  dryRun: false,
  buildroot: '/build/tree',
  interpreters: [],
  levels: [0, 1, 2],
  sources: 2,
  current: 0,
  pycs: 6,
  linkGroups: 1,
  links: 2,
  sizeBytesWithoutLinks: 4096,
  sizeBytes: 3072,
  skipped: [],
  warnings: [],
  manifest: undefined,
  filelists: [],
  seconds: { discover: 0.04, start: 0.06, compile: 12.34, write: 0.1 },
};
const times = 'pyclink: discover 0.0 s, start 0.1 s, compile 12.3 s, write 0.1 s\n';
const saved = 'pyclink: 4.0 KiB before links, 3.0 KiB after: 1.0 KiB saved (25 %)\n';

describe('buildReportText', () => {
  it.each<[string, Partial<BuildReport>, string]>([
    ['a build', {}, `pyclink: 2 sources, 6 pycs, 2 links in 1 group\n${saved}${times}`],
    [
      'a build of nothing',
      { sources: 0, pycs: 0, linkGroups: 0, links: 0, sizeBytesWithoutLinks: 0, sizeBytes: 0 },
      'pyclink: 0 sources, 0 pycs, 0 links in 0 groups\n' +
        `pyclink: 0.0 KiB before links, 0.0 KiB after: 0.0 KiB saved (0 %)\n${times}`,
    ],
    [
      'a build that wrote files and found problems',
      {
        current: 1,
        skipped: [
          { path: '/a.py', reason: 'does-not-compile', isProblem: true },
          { path: '/b.py', reason: 'excluded', isProblem: false },
        ],
        manifest: '/out/manifest',
        filelists: ['/out/list', '/out/other'],
      },
      'pyclink: 2 sources, 6 pycs, 2 links in 1 group\n' +
        `${saved}pyclink: 1 source had current bytecode\n` +
        'pyclink: 1 problem, see above\n' +
        'pyclink: manifest /out/manifest\n' +
        `pyclink: file list /out/list\npyclink: file list /out/other\n${times}`,
    ],
    ['a dry run', { dryRun: true, sources: 1, pycs: 3 }, `pyclink: would compile 1 source to 3 pycs\n${times}`],
  ])('of %s', (_name, change, text) => {
    expect(buildReportText({ ...report, ...change })).toBe(text);
  });
});

describe('summaryLine', () => {
  it('is the same however long the build took', () => {
    const slow = { ...report, seconds: { ...report.seconds, compile: 99 } };
    expect(summaryLine(report)).toBe('pyclink: 2 sources, 6 pycs, 2 links, 1.0 KiB saved (25 %)');
    expect(summaryLine(slow)).toBe(summaryLine(report));
  });
});
