import { existsSync, readdirSync, rmSync } from 'node:fs';
import { childOf, nameOf, parentOf } from '../buildroot/path.ts';
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
  const losses = new Map<CompileJob, string[]>();
  await pool.run(requests, slots, limitMs, {
    onResult: (index, result) => {
      const job = jobs[index] as CompileJob;
      onOutcome(outcomeOf(job, result, losses.get(job) ?? []));
    },
    onLoss: (index, problem) => {
      const job = jobs[index] as CompileJob;
      removeUnfinished(job);
      const warning = `${job.source.payload}: the interpreter died (${problem}) and was replaced`;
      losses.set(job, [...(losses.get(job) ?? []), warning]);
    },
  });
}

/** An interpreter that dies while it writes a pyc leaves `NAME.pyc.NUMBER` behind. @see `_write_atomic` in importlib */
function removeUnfinished({ pycs: [first, ...others] }: CompileJob): void {
  if (first === undefined) return;
  const directory = parentOf(first.staged);
  const names = new Set([first, ...others].map((pyc) => nameOf(pyc.staged)));
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    if (names.has(name.replace(/\.\d+$/, '')) && !names.has(name)) rmSync(childOf(directory, name), { force: true });
  }
}

function outcomeOf(job: CompileJob, result: PoolResult, losses: readonly string[]): CompileOutcome {
  if ('lost' in result) {
    const reason = result.lost === 'hung' ? 'worker-hung' : 'worker-died';
    return { job, written: [], failure: { reason, problem: result.problem }, warnings: [] };
  }
  const { failure } = result;
  const warnings = [...losses, ...result.warnings];
  if (failure === undefined) return { job, written: job.pycs, warnings };
  const written = job.pycs.filter((pyc) => pyc.level < failure.level);
  return { job, written, failure: { reason: 'does-not-compile', problem: failure.problem }, warnings };
}
