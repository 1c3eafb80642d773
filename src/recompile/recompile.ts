import type { Audited } from '../audit/audited.ts';
import type { AuditFinding } from '../audit/finding.ts';
import { type Environment, workerEnvironment } from '../compile/environment.ts';
import type { PoolResult, WorkerPool } from '../compile/worker-pool.ts';
import { getOrAdd } from '../get-or-add.ts';
import { codeSha256Of } from '../marshal/pyc-facts.ts';
import type { Search } from '../payload/entry.ts';
import { searchForFiles, TemporaryDirectory } from '../payload/extract.ts';
import { levels } from '../pyc/name.ts';
import { counted } from '../text.ts';
import { type Differing, differs, explained } from './differing.ts';
import { openPool, type RecompileInterpreters } from './interpreters.ts';
import { planRecompile, type RecompileJob, type RecompilePyc } from './jobs.ts';

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
    const verdicts: Verdict[] = [];
    let isComplete = true;
    const leave = ({ pycs }: RecompileJob, reason: string) => {
      left.set(reason, (left.get(reason) ?? 0) + pycs.length);
      isComplete = false;
    };
    const sources = searchForFiles(new Set(jobs.map(({ source }) => source.file)), /\.py$/, directory);
    await options.search(sources.search);
    const compilers = new Map<string, ReadableJob[]>();
    for (const job of jobs) {
      const { source, magicNumber, debugRanges } = job;
      const text = options.chroot === undefined ? sources.paths.get(source.file) : source.path;
      if (text === undefined)
        leave(job, `its source was not read: ${sources.unread.get(source.file) ?? 'not found again'}`);
      else getOrAdd(compilers, `${magicNumber} ${debugRanges}`, () => []).push({ ...job, text });
    }
    for (const own of compilers.values()) {
      const [{ magicNumber, debugRanges }] = own as [ReadableJob];
      const pool = await openPool(magicNumber, options, workerEnvironment(options.environment, { debugRanges }));
      if (typeof pool === 'string') {
        for (const job of own) leave(job, pool);
        continue;
      }
      pool.maxWorkers = options.jobs;
      try {
        await Promise.all(own.map((job) => compileJob(pool, job, directory, verdicts)));
      } finally {
        await pool.close();
      }
    }
    const findings = verdicts.flatMap(({ finding }) => finding ?? []);
    const differing = verdicts.flatMap((verdict) => verdict.differing ?? []);
    findings.push(...(await explained(differing, directory, options.search)));
    const notes = Array.from(left, ([reason, count]) => `${counted(count, 'pyc')} not compiled again: ${reason}`);
    const same = verdicts.length - findings.length;
    return { same, findings, notes, isComplete };
  } finally {
    directory.remove();
  }
}

/** A job, and the extracted file with the text of its source, under the path that the interpreter gets. */
type ReadableJob = RecompileJob & { readonly text: string };

/** What was found out about a pyc. Neither if its code is what its source compiles to. */
interface Verdict {
  readonly finding?: AuditFinding;
  readonly differing?: Differing;
}

/** Compiles a source. Adds a verdict for each of its pycs. */
async function compileJob(
  pool: WorkerPool,
  job: ReadableJob,
  directory: TemporaryDirectory,
  verdicts: Verdict[],
): Promise<void> {
  const { executable, version } = pool.interpreter;
  const { recordedPath, pycs, text } = job;
  const end = recordedPath.lastIndexOf('/');
  const request = {
    source: recordedPath.slice(end + 1),
    content: text,
    recordedDirectory: recordedPath.slice(0, Math.max(end, end === 0 ? 1 : 0)),
    levels: levels.filter((level) => pycs.some((pyc) => pyc.level === undefined || pyc.level === level)),
    invalidationMode: 'timestamp' as const,
  };
  const result = await pool.compile(request, 120_000);
  verdicts.push(...compare(pycs, result, `${executable} (${version})`, directory));
}

/** Compares recompiled code with the pycs of a source. */
function compare(
  pycs: readonly RecompilePyc[],
  result: PoolResult,
  compiler: string,
  directory: TemporaryDirectory,
): Verdict[] {
  const all = (detail: string) => pycs.map(({ entry }) => ({ finding: differs(entry, detail) }));
  if ('lost' in result) return all(`${compiler} died while compiling its source: ${result.problem}`);
  const made = result.levels.flatMap((one) => ('content' in one ? { ...one, sha256: codeSha256Of(one.content) } : []));
  return pycs.map(({ entry, level, codeSha256 }): Verdict => {
    // The name of a pyc next to its source does not tell its level.
    const own = made.filter((one) => level === undefined || one.level === level);
    if (own.some(({ sha256 }) => sha256 === codeSha256)) return {};
    const [first] = own;
    if (first === undefined) {
      const detail = `its source does not compile with ${compiler}: ${lastLine(result.problem)}`;
      return { finding: differs(entry, detail) };
    }
    return { differing: { entry, compiled: directory.add(first.content), compiler } };
  });
}

/** The last line of an interpreter's message: the error itself. */
function lastLine(problem = ''): string {
  return problem.trim().split('\n').at(-1) ?? '';
}
