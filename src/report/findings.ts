import { printable } from '../printable.ts';
import type { Finding } from '../verify/check.ts';
import { counted } from './text.ts';

/**
 * The report of verify: one line for each finding, one for each target that has nothing to do with the manifest, then a
 * summary.
 */
export function findingsText(
  findings: readonly Finding[],
  unrelated: readonly string[],
  pycs: number,
  linkGroups: number,
): string {
  const lines = findings.map(({ kind, path, detail }) => `${kind}: ${path}: ${detail}`);
  lines.push(...unrelated.map((target) => `pyclink: ${target}: no pyc of the manifest is in it`));
  const verdict = findings.length === 0 ? 'all as built' : counted(findings.length, 'finding');
  lines.push(`pyclink: ${counted(pycs, 'pyc')}, ${counted(linkGroups, 'link group')}: ${verdict}`);
  return lines.map((line) => `${printable(line)}\n`).join('');
}
