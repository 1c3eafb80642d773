/** Why a source is not in the cache and does not get there. */
export type UncachedReason =
  | 'not a regular file'
  | 'not UTF-8'
  | 'not compiled'
  | 'changed meanwhile'
  | 'unknown compiler'
  | 'no normal form';

/** What became of the sources. */
export interface CacheCounts {
  /** Sources that were in the local store. */
  local: number;
  /** Sources that were on the server. */
  remote: number;
  /** Sources that were compiled. */
  compiled: number;
  /** Entries that were no whole entries. They are removed. */
  corrupt: number;
  /** Entries that others could have written. They are not used. */
  foreign: number;
  /** Those of the server that were no whole entries. */
  remoteCorrupt: number;
  /** Hits that were compiled all the same, and were right. */
  verified: number;
  stored: number;
  storedBytes: number;
  /** Entries that could not be stored, and the first error, after which no more are stored. */
  notStored: number;
  problem?: string;
  /** Entries that were sent to the server, and those that it did not take. */
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

/** Nothing counted yet. */
export function emptyCounts(): CacheCounts {
  return {
    ...(Object.fromEntries(numbers.map((name) => [name, 0])) as Record<(typeof numbers)[number], 0>),
    uncached: {},
  };
}

/** Adds up what threads counted. */
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
