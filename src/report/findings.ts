import { errnoOf } from '../errors.ts';
import type { Unreadable } from '../payload/entry.ts';
import { printable } from '../printable.ts';
import { counted } from '../text.ts';
import type { Finding } from '../verify/check.ts';

/** A note for each directory or file that could not be read. */
export function unreadableNotes(unreadable: readonly Unreadable[]): string[] {
  return unreadable.map(
    ({ path, isDirectory, error }) => `${path}: cannot be ${isDirectory ? 'listed' : 'read'} (${errnoOf(error)})`,
  );
}

/**
 * The report of verify: one line for each finding, then the notes, then a summary.
 * @param unreadable how many files and directories could not be read
 */
export function findingsText(
  findings: readonly Finding[],
  notes: readonly string[],
  unreadable: number,
  { pycs, linkGroups }: { readonly pycs: number; readonly linkGroups: number },
): string {
  const lines = findings.map(({ kind, path, detail }) => `${kind}: ${path}: ${detail}`);
  lines.push(...notes.map((note) => `pyclink: ${note}`));
  const verdict = findings.length + unreadable === 0 ? 'all as built' : counted(findings.length, 'finding');
  const unchecked = unreadable === 0 ? '' : `, ${unreadable} unreadable`;
  lines.push(`pyclink: ${counted(pycs, 'pyc')}, ${counted(linkGroups, 'link group')}: ${verdict}${unchecked}`);
  return lines.map((line) => `${printable(line)}\n`).join('');
}
