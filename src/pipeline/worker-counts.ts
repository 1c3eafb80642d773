/** How many interpreters a thread keeps busy. */
export const workersPerThread = 4;

/** Below this size another interpreter costs more than it saves. */
const worthAWorkerBytes = 200_000;

/** The fixed cost of a source, as a size. */
const overheadBytes = 4000;

/**
 * How many interpreters are worth their start for these sources, and at least one.
 * @param jobs how many there may be
 */
export function workersFor(sources: readonly { readonly sizeBytes: number }[], jobs: number): number {
  const bytes = sources.reduce((sum, { sizeBytes }) => sum + sizeBytes + overheadBytes, 0);
  return Math.max(1, Math.min(jobs, Math.ceil(bytes / worthAWorkerBytes)));
}

/** A thread that compiles nothing is done with so many sources before another has started. */
const sourcesPerThread = 200;

/** More threads than this are of no use where nothing is compiled. */
const maxThreadsWithoutWorkers = 8;

/**
 * How many threads do the work; 0: the main thread does.
 * @param mayCompileNothing interpreters may have nothing to do: then the threads do all of the work
 */
export function threadsFor(workers: number, sources: number, mayCompileNothing: boolean): number {
  const threads = workers < workersPerThread ? 0 : Math.ceil(workers / workersPerThread);
  if (!mayCompileNothing) return threads;
  const alone = Math.min(workers, Math.floor(sources / sourcesPerThread), maxThreadsWithoutWorkers);
  return Math.max(threads, alone > 1 ? alone : 0);
}
