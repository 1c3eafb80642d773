import type { StagedPath } from '../files/path.ts';
import type { Pyc } from '../pyc/pyc.ts';
import { levelProofOf } from '../pyc/releases.ts';
import { type CompileJob, type Invalidation, invalidationModeOf, pycOf, recordedDirectoryOf } from './plan.ts';
import type { CompiledText } from './protocol.ts';
import type { PoolResult, WorkerPool } from './worker-pool.ts';

/** The outcome of a job. */
export interface CompileOutcome {
  readonly job: CompileJob;
  /** The compiled pycs; all of the job's unless it failed. */
  readonly made: readonly Pyc[];
  readonly failure?: {
    readonly reason: 'does-not-compile' | 'unreadable' | 'worker-died' | 'worker-hung';
    readonly problem: string;
  };
  /** The warnings of the compiler, each once. */
  readonly warnings: readonly string[];
  /** How many workers died while compiling it. The warnings mention them too. */
  readonly losses: number;
  /** The compiled text. Only set for a cache, and only if the file did not change between levels. */
  readonly compiled?: CompiledText | undefined;
}

export interface CompileOptions extends Invalidation {
  /** The pycs will be normalized: equal code then has equal bytes. */
  readonly normalize: boolean;
}

/** A worker that takes longer counts as hung. */
const baseLimitMs = 120_000;
const limitMsPerByte = 0.06;

/** Compiles a source in a pool. @throws PyclinkError `worker-failed` */
export async function compile(pool: WorkerPool, job: CompileJob, options: CompileOptions): Promise<CompileOutcome> {
  const { source, levels } = job;
  const { root, magicNumber } = pool.interpreter;
  const seen = (path: StagedPath) => (root === undefined ? path : path.slice(root.length));
  const request = {
    source: seen(source.staged),
    ...(source.physical ? {} : { content: seen(source.content) }),
    recordedDirectory: recordedDirectoryOf(job),
    levels,
    invalidationMode: invalidationModeOf(job, options),
    // Equal code may be marshalled to different bytes unless it is normalized.
    levelProof: options.normalize ? levelProofOf(magicNumber) : undefined,
  };
  const limitMs = baseLimitMs + source.sizeBytes * limitMsPerByte;
  return outcomeOf(job, await pool.compile(request, limitMs));
}

function outcomeOf(job: CompileJob, result: PoolResult): CompileOutcome {
  const losses = result.losses.length;
  if ('lost' in result) {
    const reason = result.lost === 'hung' ? 'worker-hung' : 'worker-died';
    return { job, made: [], failure: { reason, problem: result.problem }, warnings: [], losses };
  }
  const made = result.levels.map((pyc): Pyc => Object.assign(pycOf(job, pyc.level), pyc));
  const { compiled, problem } = result;
  const lost = result.losses.map(
    (reason) => `${job.source.payload}: the interpreter died (${reason}) and was replaced`,
  );
  const done = { job, made, warnings: [...lost, ...result.warnings], losses, compiled };
  // The interpreter silently compiles nothing if a source is no longer a regular file.
  if (problem !== undefined) return { ...done, failure: { reason: reasonOf(problem), problem } };
  if (made.length === job.levels.length) return done;
  return { ...done, failure: { reason: 'unreadable', problem: 'the interpreter wrote no pyc' } };
}

/** Classifies a problem that an interpreter reports: an OSError is from the system, not from the compiler. */
function reasonOf(problem: string): 'does-not-compile' | 'unreadable' {
  return /^\w+: \[Errno \d+\] /.test(problem) ? 'unreadable' : 'does-not-compile';
}
