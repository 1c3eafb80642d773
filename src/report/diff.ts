import type { DiffFinding } from '../diff/diff.ts';
import { type DiffKind, diffKinds } from '../diff/kinds.ts';
import { printable } from '../printable.ts';
import { counted } from '../text.ts';

/** The differences, and the number of modules (sources) by kind. */
export interface DiffReport {
  readonly differences: readonly DiffFinding[];
  readonly summary: { readonly modules: number; readonly same: number } & Partial<Record<DiffKind, number>>;
  /** Unreadable files, and targets without pycs. */
  readonly unreadable: readonly string[];
}

/** Kinds of which a build may have one for each module. */
const shortKinds: readonly DiffKind[] = ['interpreter', 'lines', 'path', 'header', 'mtime', 'flags', 'links', 'levels'];
const maxOfKind = 5;

/** The report of diff: a line for each difference, for frequent kinds only the first few, and a summary. */
export function diffText({ differences, summary, unreadable }: DiffReport, isVerbose: boolean): string {
  const shown = new Map<DiffKind, number>();
  const lines = differences.flatMap((finding) => {
    const count = (shown.get(finding.kind) ?? 0) + 1;
    shown.set(finding.kind, count);
    return isVerbose || count <= maxOfKind || !shortKinds.includes(finding.kind) ? [lineOf(finding)] : [];
  });
  if (!isVerbose) {
    const hidden = shortKinds.filter((kind) => (shown.get(kind) ?? 0) > maxOfKind);
    lines.push(...hidden.map((kind) => `${kind}: ${(shown.get(kind) ?? 0) - maxOfKind} more: -v lists them`));
  }
  lines.push(...unreadable.map((note) => `pyclink: ${note}`));
  const { modules, same } = summary;
  const counts = Object.entries(diffKinds).flatMap(([kind, words]) => {
    const count = summary[kind as DiffKind];
    return count === undefined ? [] : `${count} ${words}`;
  });
  lines.push(`pyclink: ${counted(modules, 'module')}: ${[...counts, `${same} unchanged`].join(', ')}`);
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function lineOf({ kind, path, cacheTag, code, levels, detail }: DiffFinding): string {
  const place = code === undefined ? '' : `${code}: `;
  const known = cacheTag === undefined ? '' : ` (${levels.length === 1 ? 'level' : 'levels'} ${levels.join(' ')})`;
  return `${kind}: ${path}: ${place}${detail}${known}`;
}
