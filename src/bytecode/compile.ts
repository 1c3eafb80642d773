import type { CompileJob, PlannedPyc } from './plan.ts';
import type { InvalidationMode } from './pyc-header.ts';
import type { PoolResult, WorkerPool } from './worker-pool.ts';

/** What became of a job. */
export interface CompileOutcome {
  readonly job: CompileJob;
  /** The pycs that were written; all of them unless it failed. */
  readonly written: readonly PlannedPyc[];
  readonly failure?: {
    readonly reason: 'does-not-compile' | 'worker-died' | 'worker-hung';
    readonly problem: string;
  };
  /** What the compiler warned about, each once. */
  readonly warnings: readonly string[];
}

/** Far longer than any real source takes; a worker that needs more hangs. */
const baseLimitMs = 120_000;
const limitMsPerByte = 0.06;

/**
 * Has a pool compile its jobs, several at a time.
 * @param onOutcome told of each job when it is done, in the order they finish
 * @throws PyclinkError `worker-failed`
 */
export async function compile(
  pool: WorkerPool,
  jobs: readonly CompileJob[],
  slots: number,
  invalidationMode: InvalidationMode,
  onOutcome: (outcome: CompileOutcome) => void,
): Promise<void> {
  const requests = jobs.map((job) => ({
    source: job.source.staged,
    ...(job.source.physical ? {} : { content: job.source.content }),
    recordedDirectory: job.recordedDirectory,
    levels: job.pycs.map((pyc) => pyc.level),
    invalidationMode,
  }));
  const limitMs = (index: number) => baseLimitMs + (jobs[index]?.source.sizeBytes ?? 0) * limitMsPerByte;
  await pool.run(requests, slots, limitMs, (index, result) => {
    const job = jobs[index] as CompileJob;
    onOutcome(outcomeOf(job, result));
  });
}

function outcomeOf(job: CompileJob, result: PoolResult): CompileOutcome {
  if ('lost' in result) {
    const reason = result.lost === 'hung' ? 'worker-hung' : 'worker-died';
    return { job, written: [], failure: { reason, problem: result.problem }, warnings: [] };
  }
  const { failure, warnings } = result;
  if (failure === undefined) return { job, written: job.pycs, warnings };
  const written = job.pycs.filter((pyc) => pyc.level < failure.level);
  return { job, written, failure: { reason: 'does-not-compile', problem: failure.problem }, warnings };
}
