import type { Buildroot } from '../buildroot/path.ts';
import { expectedInterpreter } from '../buildroot/python-directory.ts';
import type { Environment } from '../compile/environment.ts';
import { chrootCandidates, interpreterCandidates } from '../compile/interpreter-candidates.ts';
import { startFirst } from '../compile/start-workers.ts';
import { WorkerPool } from '../compile/worker-pool.ts';
import type { StagedPath } from '../files/path.ts';
import { releaseOf } from '../pyc/releases.ts';

/** The interpreters that recompile. */
export interface RecompileInterpreters {
  /** The command that the user named. */
  readonly python?: string | undefined;
  /** Use the interpreters of this tree, in a chroot there. */
  readonly chroot?: Buildroot | undefined;
}

/** A directory without interpreters. */
const nowhere: Buildroot = { path: '/dev/null' as StagedPath, given: '/dev/null' };

/**
 * Starts the interpreter that writes a magic number. Searches /usr/bin and PATH, and not the target.
 * @returns its workers, or the reason why there are none
 * @throws PyclinkError `worker-failed`
 */
export async function openPool(
  magicNumber: number,
  { python, chroot }: RecompileInterpreters,
  environment: Environment,
): Promise<WorkerPool | string> {
  const version = /^CPython (\S+)$/.exec(releaseOf(magicNumber).name ?? '')?.[1];
  if (version === undefined) return `unknown magic number ${magicNumber}`;
  const request = python === undefined ? { command: `python${version}` } : { command: python, isNamed: true };
  const candidates =
    chroot === undefined
      ? interpreterCandidates(nowhere, request, environment['PATH'] ?? '')
      : chrootCandidates(chroot, request);
  const programs = candidates.flatMap((candidate) => ('path' in candidate ? candidate.path : []));
  const distrusted = candidates.flatMap((candidate) => ('distrusted' in candidate ? candidate.distrusted : []));
  const started = await startFirst(programs, expectedInterpreter(`python${version}`), environment, 1, chroot?.path);
  if ('refused' in started) return [`no working python${version}`, ...distrusted, ...started.refused].join(': ');
  const pool = new WorkerPool(environment, started);
  if (pool.interpreter.magicNumber === magicNumber) return pool;
  await pool.close();
  return `${pool.interpreter.executable} writes magic number ${pool.interpreter.magicNumber}, not ${magicNumber}`;
}
