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
interface Verified {
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
  readonly pycs: number;
  readonly linkGroups: number;
  /** The number of unreadable files and directories. */
  readonly unreadable: number;
  /** The payload contains something of the manifest. */
  readonly isProven: boolean;
}

/** The report of verify: one line for each finding, then the notes, then a summary. */
export function verifyText({ findings, notes, pycs, linkGroups, unreadable, isProven }: Verified): string {
  const lines = findings.map(({ kind, path, detail }) => `${kind}: ${path}: ${detail}`);
  lines.push(...notes.map((note) => `pyclink: ${note}`));
  const unchecked = unreadable === 0 ? '' : `, ${unreadable} unreadable`;
  const counts =
    isProven || findings.length > 0 ? `${counted(findings.length, 'finding')}${unchecked}` : 'not verified';
  const isRight = isProven && findings.length + unreadable === 0;
  lines.push(
    `pyclink: ${counted(pycs, 'pyc')}, ${counted(linkGroups, 'link group')}: ${isRight ? 'all as built' : counts}`,
  );
  return lines.map((line) => `${printable(line)}\n`).join('');
}
