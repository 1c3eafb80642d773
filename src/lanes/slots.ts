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

/** A lane that compiles nothing is done with so many sources before another has started. */
const sourcesPerLane = 200;

/** More lanes than this are of no use where nothing is compiled. */
const maxLanesWithoutWorkers = 8;

/**
 * How many lanes in threads; 0: the main thread is enough. Interpreters are served several by a lane.
 * @param mayCompileNothing interpreters may have nothing to do: then the lanes do all of the work
 */
export function lanesFor(slots: number, sources: number, mayCompileNothing: boolean): number {
  const lanes = slots < interpretersPerLane ? 0 : Math.ceil(slots / interpretersPerLane);
  if (!mayCompileNothing) return lanes;
  const alone = Math.min(slots, Math.floor(sources / sourcesPerLane), maxLanesWithoutWorkers);
  return Math.max(lanes, alone > 1 ? alone : 0);
}
