/** How many interpreters a thread keeps busy. */
export const workersPerThread = 4;

/** For fewer bytes, another interpreter costs more than it saves. */
const worthAWorkerBytes = 200_000;

/** The fixed cost of a source, expressed in bytes. */
const overheadBytes = 4000;

/**
 * The number of interpreters to start: at least one, and one more for each 200 KB of sources.
 * @param jobs the maximum
 */
export function workersFor(sources: readonly { readonly sizeBytes: number }[], jobs: number): number {
  const bytes = sources.reduce((sum, { sizeBytes }) => sum + sizeBytes + overheadBytes, 0);
  return Math.max(1, Math.min(jobs, Math.ceil(bytes / worthAWorkerBytes)));
}

/** While another thread starts, a thread that compiles nothing handles this many sources. */
const sourcesPerThread = 200;

/** More threads than this bring no benefit if nothing is compiled. */
const maxThreadsWithoutWorkers = 8;

/**
 * How many threads to use; 0 for the main thread only.
 * @param mayCompileNothing whether the interpreters may have nothing to do, so that the threads do all of the work
 */
export function threadsFor(workers: number, sources: number, mayCompileNothing: boolean): number {
  const threads = workers < workersPerThread ? 0 : Math.ceil(workers / workersPerThread);
  if (!mayCompileNothing) return threads;
  const alone = Math.min(workers, Math.floor(sources / sourcesPerThread), maxThreadsWithoutWorkers);
  return Math.max(threads, alone > 1 ? alone : 0);
}
