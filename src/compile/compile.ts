import type { StagedPath } from '../files/path.ts';
import type { InvalidationMode } from '../pyc/header.ts';
import { levelProofOf } from '../pyc/releases.ts';
import type { Digests } from '../sha256.ts';
import { type CompileJob, type PlannedPyc, pycOf, recordedDirectoryOf } from './plan.ts';
import type { CompiledLevel, CompiledText, WorkerJob } from './protocol.ts';
import type { JobQueue, PoolResult, WorkerPool } from './worker-pool.ts';

/** A compiled pyc that is not written yet. */
export interface MadePyc extends PlannedPyc {
  /** Levels that are proved equal share a buffer. Valid until the next outcome. */
  readonly content: Buffer;
  readonly mode: number;
}

/** Pycs of a source, and the SHA-256 of their contents: each is computed once, when it is asked for. */
export interface MadePycs {
  readonly pycs: readonly MadePyc[];
  readonly digests: Digests;
}

/** The outcome of a job. */
export interface CompileOutcome<J extends CompileJob = CompileJob> {
  readonly job: J;
  /** The compiled pycs; all of the job's unless it failed. */
  readonly made: readonly MadePyc[];
  readonly failure?: {
    readonly reason: 'does-not-compile' | 'unreadable' | 'worker-died' | 'worker-hung';
    readonly problem: string;
  };
  /** The warnings of the compiler, each once. */
  readonly warnings: readonly string[];
  /** How many workers died at it. The warnings tell of them too. */
  readonly losses: number;
  /** The text that was compiled. Told only for a cache, and only if the file did not change from level to level. */
  readonly compiled?: CompiledText | undefined;
}

export interface CompileOptions {
  readonly invalidationMode: InvalidationMode;
  /** The pycs will be in normal form: then a level that gives the same code as another gives the same bytes too. */
  readonly normalize: boolean;
}

/** Beyond this a worker counts as hung. */
const baseLimitMs = 120_000;
const limitMsPerByte = 0.06;

/** How many workers may run at a time: of this pool, and of all that take from the same queue. */
export interface Slots {
  readonly own: number;
  readonly all: number;
}

/**
 * Compiles jobs in a pool, several at a time.
 * @param onOutcome called for each job when it is done, in the order they finish
 * @throws PyclinkError `worker-failed`
 */
export async function compile<J extends CompileJob>(
  pool: WorkerPool,
  jobs: JobQueue<J>,
  slots: Slots,
  options: CompileOptions,
  onOutcome: (outcome: CompileOutcome<J>) => void,
): Promise<void> {
  // Equal code may be marshalled to different bytes; only in normal form it has the same.
  const levelProof = options.normalize ? levelProofOf(pool.interpreter.magicNumber) : undefined;
  const { root } = pool.interpreter;
  const seen = (path: StagedPath) => (root === undefined ? path : path.slice(root.length));
  const request = (job: CompileJob): WorkerJob => ({
    source: seen(job.source.staged),
    ...(job.source.physical ? {} : { content: seen(job.source.content) }),
    recordedDirectory: recordedDirectoryOf(job),
    levels: job.levels,
    invalidationMode: options.invalidationMode,
    levelProof,
  });
  const losses = new Map<CompileJob, string[]>();
  await pool.run<J>(jobs, slots.own, slots.all, {
    request,
    limitMs: ({ source }) => baseLimitMs + source.sizeBytes * limitMsPerByte,
    onResult: (job, result) => onOutcome(outcomeOf(job, result, losses.get(job) ?? [])),
    onLoss: (job, problem) => {
      const warning = `${job.source.payload}: the interpreter died (${problem}) and was replaced`;
      losses.set(job, [...(losses.get(job) ?? []), warning]);
    },
  });
}

function outcomeOf<J extends CompileJob>(job: J, result: PoolResult, lost: readonly string[]): CompileOutcome<J> {
  const losses = lost.length;
  if ('lost' in result) {
    const reason = result.lost === 'hung' ? 'worker-hung' : 'worker-died';
    return { job, made: [], failure: { reason, problem: result.problem }, warnings: [], losses };
  }
  const made = madePycs(job, result.levels);
  const { compiled } = result;
  const done = { job, made, warnings: [...lost, ...result.warnings], losses, compiled };
  const problem = result.failure?.problem;
  // The interpreter compiles nothing, and says nothing, if a source has become something else than a file.
  if (problem !== undefined) return { ...done, failure: { reason: reasonOf(problem), problem } };
  if (made.length === job.levels.length) return done;
  return { ...done, failure: { reason: 'unreadable', problem: 'the interpreter made no pyc' } };
}

/** What a problem that an interpreter reports is about: an OSError is not of the compiler, but of the system. */
function reasonOf(problem: string): 'does-not-compile' | 'unreadable' {
  return /^\w+: \[Errno \d+\] /.test(problem) ? 'unreadable' : 'does-not-compile';
}

function madePycs(job: CompileJob, compiled: readonly CompiledLevel[]): MadePyc[] {
  const made: MadePyc[] = [];
  for (const one of compiled) {
    const { content, mode } = ('isSame' in one ? made.at(-1) : one) ?? {};
    if (content !== undefined && mode !== undefined) made.push(Object.assign(pycOf(job, one.level), { content, mode }));
  }
  return made;
}
