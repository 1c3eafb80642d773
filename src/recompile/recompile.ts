import type { Audited, AuditedPyc } from '../audit/audited.ts';
import type { AuditFinding } from '../audit/finding.ts';
import { type Environment, workerEnvironment } from '../compile/environment.ts';
import type { PoolResult, WorkerPool } from '../compile/worker-pool.ts';
import { codeSha256Of } from '../marshal/pyc-facts.ts';
import type { Search } from '../payload/entry.ts';
import { searchForFiles, TemporaryDirectory } from '../payload/extract.ts';
import { type Level, levels } from '../pyc/name.ts';
import { counted } from '../text.ts';
import { type Differing, differs, explained } from './differing.ts';
import { openPool, type RecompileInterpreters } from './interpreters.ts';
import { planRecompile, type RecompileJob } from './jobs.ts';

/** How sources are compiled again. */
export interface RecompileOptions extends RecompileInterpreters {
  readonly environment: Environment;
  /** How many interpreters run at a time. */
  readonly jobs: number;
  /** Searches the targets again. */
  readonly search: (search: Search) => Promise<unknown>;
}

/** The result of recompiling. */
export interface Recompiled {
  /** How many pycs have the code that their source compiles to. */
  readonly same: number;
  readonly findings: readonly AuditFinding[];
  /** What could not be compared, with the reason. */
  readonly notes: readonly string[];
  /** False if an interpreter was missing or a source could not be read: their pycs are unconfirmed. */
  readonly isComplete: boolean;
}

/**
 * Compiles each source again and compares the normalized code: the same interpreter gives the same code for the same
 * text, level and recorded path.
 * @throws PyclinkError `worker-failed`, `file-failed`
 */
export async function recompile(all: readonly Audited[], options: RecompileOptions): Promise<Recompiled> {
  const { jobs, left: planned } = planRecompile(all);
  const left = new Map(planned);
  const directory = new TemporaryDirectory();
  try {
    const findings: AuditFinding[] = [];
    const differing: Differing[] = [];
    let same = 0;
    let isComplete = true;
    const sources = searchForFiles(new Set(jobs.map(({ source }) => source.file)), /\.py$/, directory);
    await options.search(sources.search);
    const textOf = ({ source }: RecompileJob) =>
      options.chroot === undefined ? sources.paths.get(source.file) : source.path;
    const leave = (job: RecompileJob, reason: string) => left.set(reason, (left.get(reason) ?? 0) + pycsOf(job).length);
    for (const job of jobs.filter((one) => textOf(one) === undefined)) {
      leave(job, `its source was not read: ${sources.unread.get(job.source.file) ?? 'not found again'}`);
      isComplete = false;
    }
    const readable = jobs.filter((job) => textOf(job) !== undefined);
    for (const compiler of new Set(readable.map(compilerOf))) {
      const own = readable.filter((job) => compilerOf(job) === compiler);
      const [{ magicNumber, debugRanges }] = own as [RecompileJob];
      const pool = await openPool(magicNumber, options, workerEnvironment(options.environment, { debugRanges }));
      if (typeof pool === 'string') {
        for (const job of own) leave(job, pool);
        isComplete = false;
        continue;
      }
      try {
        await compileJobs(pool, own, textOf, options.jobs, (job, result) => {
          const { executable, version } = pool.interpreter;
          const compiler = `${executable} (${version})`;
          const compared = compare(job, result, compiler, directory);
          same += compared.same;
          findings.push(...compared.findings);
          differing.push(...compared.differing);
        });
      } finally {
        await pool.close();
      }
    }
    findings.push(...(await explained(differing, directory, options.search)));
    const notes = Array.from(left, ([reason, count]) => `${counted(count, 'pyc')} not compiled again: ${reason}`);
    return { same, findings, notes, isComplete };
  } finally {
    directory.remove();
  }
}

/** The same for jobs that one pool can do. */
function compilerOf({ magicNumber, debugRanges }: RecompileJob): string {
  return `${magicNumber} ${debugRanges}`;
}

function pycsOf({ pycs }: RecompileJob): AuditedPyc[] {
  return [...pycs.values()].flat();
}

/** Whether a pyc is next to its source, so that its name does not tell its level. */
function isBeside({ name }: AuditedPyc): boolean {
  return name.cacheTag === undefined;
}

/** @param textOf the file with the text of a source, as a path for the interpreter */
async function compileJobs(
  pool: WorkerPool,
  jobs: readonly RecompileJob[],
  textOf: (job: RecompileJob) => string | undefined,
  maxWorkers: number,
  onResult: (job: RecompileJob, result: PoolResult) => void,
): Promise<void> {
  pool.maxWorkers = maxWorkers;
  const compiling = jobs.map((job) => {
    const content = textOf(job) ?? '';
    const { recordedPath, pycs } = job;
    const end = recordedPath.lastIndexOf('/');
    const request = {
      source: recordedPath.slice(end + 1),
      content,
      recordedDirectory: recordedPath.slice(0, Math.max(end, end === 0 ? 1 : 0)),
      levels: pycsOf(job).some(isBeside) ? levels : [...pycs.keys()].sort(),
      invalidationMode: 'timestamp' as const,
    };
    return pool.compile(request, 120_000, (result) => onResult(job, result));
  });
  await Promise.all(compiling);
}

/** Compares recompiled code with the pycs of a source. */
function compare(job: RecompileJob, result: PoolResult, compiler: string, directory: TemporaryDirectory) {
  const findings: AuditFinding[] = [];
  const differing: Differing[] = [];
  let same = 0;
  const addAll = (at: readonly Level[], detail: string) => {
    for (const level of at) {
      for (const { entry } of job.pycs.get(level) ?? []) findings.push(differs(entry, detail));
    }
  };
  if ('lost' in result) {
    addAll([...job.pycs.keys()], `${compiler} died while compiling its source: ${result.problem}`);
    return { same, findings, differing };
  }
  const made = new Map(result.levels.flatMap((one) => ('content' in one ? [[one.level, one.content] as const] : [])));
  const failed = [...job.pycs.keys()].filter((level) => !made.has(level));
  addAll(failed, `its source does not compile with ${compiler}: ${lastLine(result.failure?.problem)}`);
  const digests = new Map(Array.from(made, ([level, content]) => [level, codeSha256Of(content)]));
  const all = [...digests.values()];
  for (const [level, content] of made) {
    const others = (job.pycs.get(level) ?? []).filter((pyc) => {
      const { facts } = pyc;
      const expected = isBeside(pyc) ? all : [digests.get(level)];
      return facts === undefined || 'unread' in facts || !expected.includes(facts.codeSha256);
    });
    same += (job.pycs.get(level)?.length ?? 0) - others.length;
    const [first] = others;
    if (first === undefined) continue;
    const compiled = directory.add(content);
    for (const pyc of others) differing.push({ pyc, compiled, compiler });
  }
  return { same, findings, differing };
}

/** The last line of an interpreter's message: the error itself. */
function lastLine(problem = ''): string {
  return problem.trim().split('\n').at(-1) ?? '';
}
