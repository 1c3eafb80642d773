import { dirname } from 'node:path';
import { groupBy } from '../get-or-add.ts';
import type { ReportedSkip } from '../pipeline/report.ts';
import { counted } from '../text.ts';

/** What the system may refuse for all files of a directory, for example because another user owns it. */
const texts: Partial<Record<ReportedSkip['reason'], (files: number) => string>> = {
  unreadable: (files) => `${counted(files, 'source')} cannot be read`,
  'mtime-not-set': (files) =>
    `${counted(files, 'source')} not compiled: their mtimes cannot be set, so their pycs would not stay valid`,
  'not-written': (files) => `the pycs of ${counted(files, 'source')} cannot be written`,
  'pyc-not-removed': (files) => `${counted(files, 'old pyc')} cannot be removed`,
  'source-not-removed': (files) => `${counted(files, 'source')} not removed`,
};

/**
 * Merges entries of a directory into one line where possible, with the system's message. `single` contains the entries
 * that need their own lines, in the given order.
 */
export function refusedDirectories(skipped: readonly ReportedSkip[]) {
  const alike = groupBy(skipped, ({ path, reason, message, isProblem }) => {
    const isMergeable = isProblem && message !== undefined && texts[reason] !== undefined;
    return isMergeable ? [dirname(path), reason, message].join('\0') : undefined;
  });
  const groups = [...alike.values()].filter((files) => files.length > 1);
  const merged = new Set(groups.flat());
  return {
    refused: groups.map((files) => {
      const [{ path, reason, message = '' }] = files as [ReportedSkip];
      return { directory: dirname(path), message, text: texts[reason]?.(files.length) ?? '' };
    }),
    single: skipped.filter((skip) => !merged.has(skip)),
  };
}
