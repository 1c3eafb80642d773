import type { CacheCounts } from '../cache/counts.ts';
import type { BuildReport } from '../pipeline/report.ts';
import { counted, percentText, sizeText } from '../text.ts';

/** The closing lines of a build. */
export function buildReportText(report: BuildReport): string {
  const { sources, pycs, linkGroups, links, current, dryRun, dueSources = sources } = report;
  const lines = dryRun
    ? [`would compile ${counted(dueSources, 'source')} to ${counted(pycs, 'pyc')}`]
    : [
        `${counted(sources, 'source')}, ${counted(pycs, 'pyc')}, ${counted(links, 'link')} in ${counted(linkGroups, 'group')}`,
        `${sizeText(report.sizeBytesWithoutLinks)} before links, ${sizeText(report.sizeBytes)} after: ${saved(report)}`,
      ];
  if (report.unchanged > 0) {
    lines.push(
      report.unchanged === pycs
        ? 'nothing changed: all pycs were already in place'
        : `${report.unchanged} of these pycs were already in place`,
    );
  }
  if (current > 0) {
    lines.push(
      dryRun
        ? `would keep the current bytecode of ${counted(current, 'source')}`
        : `${counted(current, 'source')} had current bytecode`,
    );
  }
  if (report.removedSources !== undefined) lines.push(removedText(report.removedSources, 'source', dryRun));
  if (report.pruned !== undefined) lines.push(removedText(report.pruned.length, 'old pyc', dryRun));
  if (report.cache !== undefined) lines.push(cacheText(report.cache));
  const problems = report.skipped.filter(({ isProblem }) => isProblem).length;
  if (problems > 0) lines.push(`${counted(problems, 'problem')}, see above`);
  const would = dryRun ? 'would write ' : '';
  if (report.manifest !== undefined) lines.push(`${would}manifest ${report.manifest}`);
  if (report.html !== undefined) lines.push(`${would}page ${report.html}`);
  for (const filelist of report.filelists) lines.push(`${would}file list ${filelist}`);
  const times = Object.entries(report.seconds).map(([stage, seconds]) => `${stage} ${seconds.toFixed(1)} s`);
  lines.push(times.join(', '));
  return lines.map((line) => `pyclink: ${line}\n`).join('');
}

/** The line about the cache. */
function cacheText({ local, remote, verified, compiled, uncached }: CacheCounts): string {
  const found = [
    ...(local + verified > 0 || remote === 0 ? [[local + verified, 'local'] as const] : []),
    ...(remote > 0 ? [[remote, 'remote'] as const] : []),
  ];
  const all = local + remote + compiled;
  const hits = found.map(([count, where], i) => `${count}${i === 0 ? ` of ${all} found` : ''} in the ${where} cache`);
  if (verified > 0) hits.push(`${verified} of them compiled again: identical`);
  const reasons = Object.entries(uncached).map(([reason, count]) => `${count} ${reason}`);
  const why = reasons.length > 0 ? ` (not cacheable: ${reasons.join(', ')})` : '';
  return `cache: ${[...hits, `${compiled - verified} compiled`].join(', ')}${why}`;
}

/** A summary in one or two lines. It is the same for each build of the same input with the same cache. */
export function summaryLines(report: BuildReport, about?: string): string[] {
  const { sources, pycs, links, cache } = report;
  const counts = `${counted(sources, 'source')}, ${counted(pycs, 'pyc')}, ${counted(links, 'link')}, ${saved(report)}`;
  const old = report.pruned === undefined ? [] : [removedText(report.pruned.length, 'old pyc', report.dryRun)];
  return [counts, ...old, ...(cache === undefined ? [] : [cacheText(cache)])].map(
    (line) => `pyclink: ${about === undefined ? '' : `${about}: `}${line}`,
  );
}

function removedText(count: number, noun: string, dryRun: boolean): string {
  return dryRun ? `would remove ${counted(count, noun)}` : `${counted(count, noun)} removed`;
}

function saved({ sizeBytesWithoutLinks, sizeBytes }: BuildReport): string {
  const savedBytes = sizeBytesWithoutLinks - sizeBytes;
  return `${sizeText(savedBytes)} saved (${percentText(savedBytes, sizeBytesWithoutLinks)})`;
}
