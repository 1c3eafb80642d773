import { printable } from '../printable.ts';
import type { Finding } from '../verify/check.ts';
import { counted } from './text.ts';

/** The report of verify: one line for each finding, then a summary. */
export function findingsText(findings: readonly Finding[], pycs: number, linkGroups: number): string {
  const lines = findings.map(({ kind, path, detail }) => `${kind}: ${path}: ${detail}`);
  const verdict = findings.length === 0 ? 'all as built' : counted(findings.length, 'finding');
  lines.push(`pyclink: ${counted(pycs, 'pyc')}, ${counted(linkGroups, 'link group')}: ${verdict}`);
  return lines.map((line) => `${printable(line)}\n`).join('');
}
