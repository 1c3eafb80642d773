import { applyMtimePolicy, mtimeTest } from '../buildroot/mtime.ts';
import type { Buildroot } from '../buildroot/path.ts';
import { Scope } from '../buildroot/scope.ts';
import type { Source } from '../buildroot/source.ts';
import { refusalOf } from '../errors.ts';
import { parentOf } from '../files/path.ts';
import type { Skipped } from '../skipped.ts';
import { inTurns, pieces } from '../turns.ts';
import type { BuildOptions } from './options.ts';

/** The sources with their current mtimes, and messages about the others. */
interface Dated {
  readonly sources: readonly Source[];
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
}

/** Sets the mtimes of sources before they are compiled, and reports failures. A dry run only computes them. */
export async function setMtimes(
  buildroot: Buildroot,
  all: readonly Source[],
  { paths, mtime, isPackage, dryRun }: Pick<BuildOptions, 'paths' | 'mtime' | 'isPackage' | 'dryRun'>,
): Promise<Dated> {
  if (mtime.policy === 'keep') return { sources: all, skipped: [], warnings: [] };
  const scope = new Scope(buildroot, isPackage ? [] : paths);
  if (dryRun) {
    const isChanged = mtimeTest(mtime);
    const mtimeSeconds = mtime.epochSeconds;
    const sources = all.map((source) =>
      isChanged(source.mtimeSeconds) && scope.includes(source.content) ? { ...source, mtimeSeconds } : source,
    );
    return { sources, skipped: [], warnings: [] };
  }
  const [sources, skipped]: [Source[], Skipped[]] = [[], []];
  const counts = new Map<string, number>();
  for await (const piece of inTurns(pieces(all, 100))) {
    const dated = applyMtimePolicy(scope, piece, mtime);
    sources.push(...dated.sources);
    for (const { source, error } of dated.refused) {
      skipped.push({ path: source.payload, reason: 'mtime-not-set', message: refusalOf(error) });
    }
    for (const { payload } of dated.outside) counts.set(parentOf(payload), (counts.get(parentOf(payload)) ?? 0) + 1);
  }
  const warnings = Array.from(counts, ([directory, count]) => `${directory}: ${linksToOutside(count)}`);
  return { sources, skipped, warnings };
}

function linksToOutside(count: number): string {
  return count === 1
    ? '1 source is a symlink to a file outside the PATHs: its mtime does not change'
    : `${count} sources are symlinks to files outside the PATHs: their mtimes do not change`;
}
