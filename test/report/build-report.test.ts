import { describe, expect, it } from 'vitest';
import { emptyCounts } from '../../src/cache/counts.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import type { BuildReport } from '../../src/pipeline/report.ts';
import { buildReportText, summaryLines } from '../../src/report/build-report.ts';

const report: BuildReport = {
  dryRun: false,
  buildroot: '/build/tree',
  interpreters: [],
  levels: [0, 1, 2],
  sources: 2,
  withoutSources: [],
  current: 0,
  unchanged: 0,
  pycs: 6,
  linkGroups: 1,
  links: 2,
  sizeBytesWithoutLinks: 4096,
  sizeBytes: 3072,
  skipped: [],
  warnings: [],
  cache: undefined,
  manifest: undefined,
  html: undefined,
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
      'a build over the same',
      { unchanged: 6 },
      `pyclink: 2 sources, 6 pycs, 2 links in 1 group\n${saved}pyclink: nothing changed: all pycs were already in place\n${times}`,
    ],
    [
      'a build over some of the same',
      { unchanged: 3 },
      `pyclink: 2 sources, 6 pycs, 2 links in 1 group\n${saved}pyclink: 3 of these pycs were already in place\n${times}`,
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
    [
      'a dry run that would keep what is current',
      { dryRun: true, current: 1, dueSources: 1, pycs: 3, manifest: '/out/manifest', filelists: ['/out/list'] },
      'pyclink: would compile 1 source to 3 pycs\n' +
        'pyclink: would keep the current bytecode of 1 source\n' +
        `pyclink: would write manifest /out/manifest\npyclink: would write file list /out/list\n${times}`,
    ],
    ['a dry run', { dryRun: true, sources: 1, pycs: 3 }, `pyclink: would compile 1 source to 3 pycs\n${times}`],
  ])('of %s', (_name, change, text) => {
    expect(buildReportText({ ...report, ...change })).toBe(text);
  });
});

/** Counts of a cache. */
const cache = { ...emptyCounts(), local: 3, compiled: 1, problems: [] };

describe('the line about the cache', () => {
  it.each<[string, BuildReport['cache'], string]>([
    ['hits and misses', cache, 'cache: 3 of 4 found in the local cache, 1 compiled'],
    [
      'hits of a server',
      { ...cache, remote: 5 },
      'cache: 3 of 9 found in the local cache, 5 in the remote cache, 1 compiled',
    ],
    [
      'hits of a server only',
      { ...cache, local: 0, remote: 8, compiled: 0 },
      'cache: 8 of 8 found in the remote cache, 0 compiled',
    ],
    ['nothing', { ...emptyCounts(), problems: [] }, 'cache: 0 of 0 found in the local cache, 0 compiled'],
    [
      'hits that were verified',
      { ...cache, compiled: 3, verified: 2 },
      'cache: 5 of 6 found in the local cache, 2 of them compiled again: identical, 1 compiled',
    ],
    [
      'sources that are not for the cache',
      { ...cache, uncached: { 'not UTF-8': 1, 'not compiled': 2 } },
      'cache: 3 of 4 found in the local cache, 1 compiled (not cacheable: 1 not UTF-8, 2 not compiled)',
    ],
  ])('tells of %s', (_name, told, line) => {
    expect(buildReportText({ ...report, cache: told })).toContain(`\npyclink: ${line}\n`);
    expect(summaryLines({ ...report, cache: told })[1]).toBe(`pyclink: ${line}`);
  });
});

describe('summaryLines', () => {
  it('do not depend on the duration of the build', () => {
    const slow = { ...report, seconds: { ...report.seconds, compile: 99 } };
    expect(summaryLines(report)).toEqual(['pyclink: 2 sources, 6 pycs, 2 links, 1.0 KiB saved (25 %)']);
    expect(summaryLines(slow)).toEqual(summaryLines(report));
    const pruned = [{ path: '/a.pyc' as PayloadPath, detail: 'there is no /a.py' }];
    expect(summaryLines({ ...report, pruned })[1]).toBe('pyclink: 1 old pyc removed');
  });
});
