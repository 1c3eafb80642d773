import { type AuditFinding, byPackage, detailOf } from '../audit/finding.ts';
import { auditAdvice, auditKinds, byKind } from '../audit/kinds.ts';
import type { AuditSummary } from '../audit/summary.ts';
import { printable } from '../printable.ts';
import { counted, sizeText } from '../text.ts';

/** How many packages are shown for each kind without `--verbose`. */
const shownPackages = 3;

/**
 * The report of audit: for each kind of finding, the worst first, what to do and the packages with the most findings,
 * with an example; then the notes and a summary. Verbose: every finding.
 * @param isComplete whether everything could be read and compiled
 */
export function auditText(
  findings: readonly AuditFinding[],
  summary: AuditSummary,
  notes: readonly string[],
  isVerbose: boolean,
  isComplete = true,
): string {
  const lines = Array.from(byKind(findings)).flatMap(([kind, ofKind]) =>
    ofKind.length === 0
      ? []
      : [`${kind}: ${ofKind.length}: ${auditKinds[kind]}`, `  to do: ${auditAdvice[kind]}`, ...body(ofKind, isVerbose)],
  );
  const closing = [...notes.map((note) => `pyclink: ${note}`), ...summaryLines(findings, summary, isComplete)];
  return [...lines, ...closing].map((line) => `${printable(line)}\n`).join('');
}

function body(findings: readonly AuditFinding[], isVerbose: boolean): string[] {
  if (isVerbose) return findings.map((finding) => `  ${finding.path}: ${detailOf(finding)}`);
  const sorted = byPackage(findings);
  const lines = sorted.slice(0, shownPackages).map(([name, own]) => {
    const [first] = own as [AuditFinding, ...AuditFinding[]];
    const more = own.length > 1 ? ` (and ${own.length - 1} more)` : '';
    const path = first.path.startsWith(`${name}/`) ? first.path.slice(name.length + 1) : first.path;
    return `  ${name}${more}: ${path}: ${detailOf(first)}`;
  });
  return sorted.length > shownPackages
    ? [...lines, `  and ${counted(sorted.length - shownPackages, 'other package')}`]
    : lines;
}

function summaryLines(findings: readonly AuditFinding[], summary: AuditSummary, isComplete: boolean): string[] {
  const { pycs, sizeBytes, savedBytes, modules, modulesWithoutBytecode, recompiled } = summary;
  const lines = Object.entries(pycs).map(([tag, levels]) => levelsText(tag, levels));
  const hasPycs = lines.length > 0;
  if (hasPycs) {
    const saved = savedBytes > 0 ? `, ${sizeText(savedBytes)} less with links` : '';
    lines.push(`${sizeText(sizeBytes)} of bytecode${saved}`);
  }
  if (modules > 0) lines.push(`${modulesWithoutBytecode} of ${counted(modules, 'module')} without bytecode`);
  const isUnconfirmed = hasPycs && recompiled === 0;
  const nothing =
    isUnconfirmed || !isComplete
      ? 'nothing wrong found, but some files were not checked'
      : hasPycs
        ? 'nothing wrong'
        : 'no pycs found';
  if (isUnconfirmed) lines.push('no pyc confirmed: none has the code of its recompiled source');
  else if (recompiled) lines.push(`${counted(recompiled, 'pyc')} confirmed: same code as their recompiled sources`);
  lines.push(findings.length === 0 ? nothing : counted(findings.length, 'finding'));
  return lines.map((line) => `pyclink: ${line}`);
}

/** `cpython-311: 12 pycs of level 0, 3 of level 1` */
function levelsText(tag: string, levels: AuditSummary['pycs'][string]): string {
  if (tag === 'none')
    return `without a cache tag: ${counted(levels[0] + levels[1] + levels[2], 'pyc')} of unknown level`;
  const some = levels.flatMap((count, level) => (count === 0 ? [] : [{ count, level }]));
  const counts = some.map(({ count, level }, i) => `${i === 0 ? counted(count, 'pyc') : count} of level ${level}`);
  return `${tag}: ${counts.join(', ')}`;
}
