import type { InvalidationMode } from '../pyc/header.ts';
import { levelProofOf } from '../pyc/releases.ts';
import { type CompileJob, type PlannedPyc, pycOf, recordedDirectoryOf } from './plan.ts';
import type { CompiledLevel, WorkerJob } from './protocol.ts';
import type { PoolResult, WorkerPool } from './worker-pool.ts';

/** A compiled pyc that is not written yet. */
export interface MadePyc extends PlannedPyc {
  /** Levels that are proved equal share a buffer. Valid until the next outcome. */
  readonly content: Buffer;
  readonly mode: number;
}

/** The outcome of a job. */
export interface CompileOutcome {
  readonly job: CompileJob;
  /** The compiled pycs; all of the job's unless it failed. */
  readonly made: readonly MadePyc[];
  readonly failure?: {
    readonly reason: 'does-not-compile' | 'worker-died' | 'worker-hung';
    readonly problem: string;
  };
  /** The warnings of the compiler, each once. */
  readonly warnings: readonly string[];
}

export interface CompileOptions {
  /** How many interpreters work at a time. */
  readonly jobs: number;
  readonly invalidationMode: InvalidationMode;
  /** The pycs will be in normal form: then a level that gives the same code as another gives the same bytes too. */
  readonly normalize: boolean;
}

/** Beyond this a worker counts as hung. */
const baseLimitMs = 120_000;
const limitMsPerByte = 0.06;

/**
 * Compiles jobs in a pool, several at a time, the largest first so that none of them is left for the end.
 * @param onOutcome called for each job when it is done, in the order they finish
 * @throws PyclinkError `worker-failed`
 */
export async function compile(
  pool: WorkerPool,
  unsortedJobs: readonly CompileJob[],
  options: CompileOptions,
  onOutcome: (outcome: CompileOutcome) => void,
): Promise<void> {
  const jobs = unsortedJobs.toSorted((a, b) => b.source.sizeBytes - a.source.sizeBytes);
  // Equal code may be marshalled to different bytes; only in normal form it has the same.
  const levelProof = options.normalize ? levelProofOf(pool.interpreter.magicNumber) : undefined;
  const request = (job: CompileJob): WorkerJob => ({
    source: job.source.staged,
    ...(job.source.physical ? {} : { content: job.source.content }),
    recordedDirectory: recordedDirectoryOf(job),
    levels: job.levels,
    invalidationMode: options.invalidationMode,
    levelProof,
  });
  const limitMs = (index: number) => baseLimitMs + (jobs[index]?.source.sizeBytes ?? 0) * limitMsPerByte;
  const losses = new Map<CompileJob, string[]>();
  await pool.run(jobs, request, Math.min(options.jobs, workersWorthTheirStart(jobs)), limitMs, {
    onResult: (index, result) => {
      const job = jobs[index] as CompileJob;
      onOutcome(outcomeOf(job, result, losses.get(job) ?? []));
    },
    onLoss: (index, problem) => {
      const job = jobs[index] as CompileJob;
      const warning = `${job.source.payload}: the interpreter died (${problem}) and was replaced`;
      losses.set(job, [...(losses.get(job) ?? []), warning]);
    },
  });
}

/** Below this size another interpreter costs more than it saves. */
const worthAWorkerBytes = 200_000;

/** The fixed cost of a source, as a size. */
const overheadBytes = 4000;

function workersWorthTheirStart(jobs: readonly CompileJob[]): number {
  const bytes = jobs.reduce((sum, { source }) => sum + source.sizeBytes + overheadBytes, 0);
  return Math.ceil(bytes / worthAWorkerBytes);
}

function outcomeOf(job: CompileJob, result: PoolResult, losses: readonly string[]): CompileOutcome {
  if ('lost' in result) {
    const reason = result.lost === 'hung' ? 'worker-hung' : 'worker-died';
    return { job, made: [], failure: { reason, problem: result.problem }, warnings: [] };
  }
  const made = madePycs(job, result.compiled);
  const warnings = [...losses, ...result.warnings];
  const problem =
    result.failure?.problem ?? (made.length < job.levels.length ? 'the interpreter made no pyc' : undefined);
  if (problem === undefined) return { job, made, warnings };
  return { job, made, failure: { reason: 'does-not-compile', problem }, warnings };
}

function madePycs(job: CompileJob, compiled: readonly CompiledLevel[]): MadePyc[] {
  const made: MadePyc[] = [];
  for (const one of compiled) {
    const { content, mode } = ('isSame' in one ? made.at(-1) : one) ?? {};
    if (content !== undefined && mode !== undefined) made.push(Object.assign(pycOf(job, one.level), { content, mode }));
  }
  return made;
}
