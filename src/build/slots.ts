/** How many interpreters a lane keeps busy. */
export const interpretersPerLane = 4;

/** Below this size another interpreter costs more than it saves. */
const worthAWorkerBytes = 200_000;

/** The fixed cost of a source, as a size. */
const overheadBytes = 4000;

/**
 * How many interpreters are worth their start for these sources, and at least one.
 * @param jobs how many there may be
 */
export function slotsFor(sources: readonly { readonly sizeBytes: number }[], jobs: number): number {
  const bytes = sources.reduce((sum, { sizeBytes }) => sum + sizeBytes + overheadBytes, 0);
  return Math.max(1, Math.min(jobs, Math.ceil(bytes / worthAWorkerBytes)));
}
