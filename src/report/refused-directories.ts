import { dirname } from 'node:path';
import { getOrAdd } from '../get-or-add.ts';
import type { BuildReport } from '../pipeline/report.ts';
import { counted } from '../text.ts';

type ReportedSkip = BuildReport['skipped'][number];

/** What the system may refuse for all sources of a directory, for example because another user owns it. */
const texts: Partial<Record<ReportedSkip['reason'], (sources: string) => string>> = {
  unreadable: (sources) => `${sources} cannot be read`,
  'mtime-not-set': (sources) =>
    `${sources} not compiled: their mtimes cannot be set, so their pycs would not stay valid`,
  'not-written': (sources) => `the pycs of ${sources} cannot be written`,
};

/** A directory in which the system refused the same for several sources. */
interface RefusedDirectory {
  readonly directory: string;
  /** The system's message. */
  readonly message: string;
  readonly text: string;
}

/**
 * Merges entries of a directory into one line where possible. `single` contains the entries that need their own lines,
 * in the given order.
 */
export function refusedDirectories(skipped: readonly ReportedSkip[]): {
  readonly refused: readonly RefusedDirectory[];
  readonly single: readonly ReportedSkip[];
} {
  const alike = new Map<string, ReportedSkip[]>();
  for (const skip of skipped) {
    const { path, reason, message, isProblem } = skip;
    const isMergeable = isProblem && message !== undefined && texts[reason] !== undefined;
    if (isMergeable) getOrAdd(alike, [dirname(path), reason, message].join('\0'), () => []).push(skip);
  }
  const groups = [...alike.values()].filter((files) => files.length > 1);
  const merged = new Set(groups.flat());
  return {
    refused: groups.map((files) => {
      const [{ path, reason, message = '' }] = files as [ReportedSkip];
      return { directory: dirname(path), message, text: texts[reason]?.(counted(files.length, 'source')) ?? '' };
    }),
    single: skipped.filter((skip) => !merged.has(skip)),
  };
}
