/** Why a source cannot be cached. */
export type UncachedReason =
  | 'not a regular file'
  | 'not UTF-8'
  | 'not compiled'
  | 'changed meanwhile'
  | 'unknown compiler'
  | 'no normal form';

/** Counts of how the cache handled the sources. */
export interface CacheCounts {
  /** Sources found in the local store. */
  local: number;
  /** Sources found on the server. */
  remote: number;
  /** Sources that were compiled. */
  compiled: number;
  /** Corrupt entries, which were removed. */
  corrupt: number;
  /** Entries that other users could have written. They are not used. */
  foreign: number;
  /** Corrupt entries of the server. */
  remoteCorrupt: number;
  /** Hits that were compiled again for comparison, and were identical. */
  verified: number;
  stored: number;
  storedBytes: number;
  /** Entries that could not be stored, and the first error. After an error nothing more is stored. */
  notStored: number;
  problem?: string;
  /** Entries that the server accepted, and those that it did not. */
  sent: number;
  notSent: number;
  /** Why the server was disabled. */
  remoteProblem?: string;
  readonly uncached: Partial<Record<UncachedReason, number>>;
}

const numbers = [
  ...(['local', 'remote', 'compiled', 'corrupt', 'foreign', 'remoteCorrupt', 'verified'] as const),
  ...(['stored', 'storedBytes', 'notStored', 'sent', 'notSent'] as const),
];

/** All counts at zero. */
export function emptyCounts(): CacheCounts {
  return {
    ...(Object.fromEntries(numbers.map((name) => [name, 0])) as Record<(typeof numbers)[number], 0>),
    uncached: {},
  };
}

/** Adds the counts of a thread to a sum. */
export function addCounts(sum: CacheCounts, more: CacheCounts): void {
  for (const name of numbers) sum[name] += more[name];
  for (const [reason, count] of Object.entries(more.uncached) as [UncachedReason, number][]) {
    sum.uncached[reason] = (sum.uncached[reason] ?? 0) + count;
  }
  for (const name of ['problem', 'remoteProblem'] as const) {
    const problem = sum[name] ?? more[name];
    if (problem !== undefined) sum[name] = problem;
  }
}
