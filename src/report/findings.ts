import { errnoOf } from '../errors.ts';
import type { UnreadableEntry } from '../payload/entry.ts';
import { printable } from '../printable.ts';
import { counted } from '../text.ts';
import type { Finding } from '../verify/finding.ts';

/** A note for each directory or file that could not be read. */
export function unreadableNotes(unreadable: readonly UnreadableEntry[]): string[] {
  return unreadable.map(
    ({ path, isDirectory, error }) => `${path}: cannot be ${isDirectory ? 'listed' : 'read'} (${errnoOf(error)})`,
  );
}

/** The result of verify. */
export interface VerifyReport {
  /** The totals of the manifests. */
  readonly pycs: number;
  readonly linkGroups: number;
  readonly findings: readonly Finding[];
  /** Targets that contain nothing of the manifests. */
  readonly unrelated: readonly string[];
  /** The number of sources that are missing together with all their pycs. */
  readonly leftOut: number;
  /** The number of pycs of other packages in a whole system. */
  readonly others: number;
  /** Unreadable files and directories. */
  readonly unreadable: readonly string[];
}

/**
 * The report of verify: one line for each finding, then the notes, then a summary.
 * @param isProven whether the payload contains something of the manifest
 */
export function verifyText(report: VerifyReport, notes: readonly string[], isProven: boolean): string {
  const { findings, pycs, linkGroups, unreadable } = report;
  const lines = findings.map(({ kind, path, detail }) => `${kind}: ${path}: ${detail}`);
  lines.push(...notes.map((note) => `pyclink: ${note}`));
  const unchecked = unreadable.length === 0 ? '' : `, ${unreadable.length} unreadable`;
  const counts =
    isProven || findings.length > 0 ? `${counted(findings.length, 'finding')}${unchecked}` : 'not verified';
  const isRight = isProven && findings.length + unreadable.length === 0;
  lines.push(
    `pyclink: ${counted(pycs, 'pyc')}, ${counted(linkGroups, 'link group')}: ${isRight ? 'all as built' : counts}`,
  );
  return lines.map((line) => `${printable(line)}\n`).join('');
}
