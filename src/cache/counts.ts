/** Why a source is not in the cache and does not get there. */
export type UncachedReason =
  | 'not a regular file'
  | 'another encoding'
  | 'did not compile'
  | 'changed meanwhile'
  | 'no normal form';

/** What became of the sources. */
export interface CacheCounts {
  /** Sources that were in the local store. */
  local: number;
  /** Sources that were compiled. */
  compiled: number;
  /** Entries that were no whole entries. They are removed. */
  corrupt: number;
  /** Hits that were compiled all the same, and were right. */
  verified: number;
  stored: number;
  storedBytes: number;
  /** Entries that could not be stored, and the first error, after which no more are stored. */
  notStored: number;
  problem?: string;
  readonly uncached: Partial<Record<UncachedReason, number>>;
}

/** Nothing counted yet. */
export function emptyCounts(): CacheCounts {
  return { local: 0, compiled: 0, corrupt: 0, verified: 0, stored: 0, storedBytes: 0, notStored: 0, uncached: {} };
}

/** Adds up what lanes counted. */
export function addCounts(sum: CacheCounts, more: CacheCounts): void {
  for (const name of ['local', 'compiled', 'corrupt', 'verified', 'stored', 'storedBytes', 'notStored'] as const) {
    sum[name] += more[name];
  }
  for (const [reason, count] of Object.entries(more.uncached) as [UncachedReason, number][]) {
    sum.uncached[reason] = (sum.uncached[reason] ?? 0) + count;
  }
  const problem = sum.problem ?? more.problem;
  if (problem !== undefined) sum.problem = problem;
}
