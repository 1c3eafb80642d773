import { join } from 'node:path';
import { type Buildroot, toStaged } from '../buildroot/path.ts';
import { expectedInterpreter, type InterpreterRequest, requestKey } from '../buildroot/python-directory.ts';
import { resolveInBuildroot } from '../buildroot/resolve.ts';
import { isRunningSystem } from '../buildroot/running-system.ts';
import type { Source } from '../buildroot/source.ts';
import { PyclinkError } from '../errors.ts';
import type { StagedPath } from '../files/path.ts';
import { programProblem } from '../files/program-path.ts';
import { isGone } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { Skipped } from '../skipped.ts';
import { type Environment, type WorkerMode, workerEnvironment } from './environment.ts';
import { type Interpreter, mismatchReason } from './interpreter.ts';
import {
  chrootCandidates,
  debianDefaults,
  interpreterCandidates,
  isSameProgram,
  supportedPythons,
  systemDirectory,
} from './interpreter-candidates.ts';
import { startFirst } from './start-workers.ts';
import { WorkerPool } from './worker-pool.ts';

/** The hint for an interpreter that somebody else controls. */
export const namedByPath = 'name it with --python PATH to use it anyway, or run as its owner';

const inChrootInstead = 'the buildroot contains one: --chroot runs it there';
const installIt = 'install the interpreter, name one with --python, or exclude its directory with --exclude';

/** The interpreters that a build needs, each started once. */
export interface Pools {
  readonly all: readonly WorkerPool[];
  /** The pools that compile a source, one for each cache tag. */
  poolsOf(source: Source): readonly WorkerPool[];
  /** Why a source has no interpreter; undefined if it has one. */
  lackOf(source: Source): Pick<Skipped, 'reason' | 'message'> | undefined;
  /** The programs that were not used: somebody else controls them, or they do not work. Sorted. */
  readonly passedOver: readonly string[];
  /** Stops all workers and waits for their end. */
  close(): Promise<void>;
}

/**
 * Starts each interpreter that the sources need. Starts the first one before it returns a promise.
 * @param workersFor how many workers of an interpreter to start for these sources
 * @param inChroot use the interpreters of the buildroot
 * @throws PyclinkError `worker-failed` if the system fails to start one
 * @throws PyclinkError `interpreter-missing`, naming each missing interpreter and what was tried, if missing ones are
 *   errors. In a whole system, it is not an error if one may not be started, or if an unnamed one is missing and another
 *   works.
 */
export async function openPools(
  buildroot: Buildroot,
  sources: readonly Source[],
  environment: Environment,
  ifMissing: 'fail' | 'skip',
  workersFor: (sources: readonly Source[]) => number,
  { inChroot, ...mode }: WorkerMode & { readonly inChroot: boolean },
): Promise<Pools> {
  const root = inChroot ? buildroot.path : undefined;
  const workersEnvironment = workerEnvironment(environment, mode);
  const pools: WorkerPool[] = [];
  const poolOfRequest = new Map<string, WorkerPool>();
  const lacks = new Map<string, Pick<Skipped, 'reason' | 'message'>>();
  const isSystem = inChroot || isRunningSystem(buildroot);
  let isNamedMissing = false;
  const passedOver = new Set<string>();
  const hints = new Set<string>();
  const supported = sources.some(({ interpreter }) => interpreter === 'supported-pythons')
    ? supportedPythons(environment, join(root ?? '/', debianDefaults))
    : [];
  const requestsOf = ({ interpreter }: Source) => (interpreter === 'supported-pythons' ? supported : [interpreter]);
  const close = async () => {
    await Promise.all(pools.map((pool) => pool.close()));
  };

  const requests = new Map(sources.flatMap(requestsOf).map((request) => [requestKey(request), request]));
  for (const [key, request] of requests) {
    const expected = expectedInterpreter(request.command);
    const candidates = inChroot
      ? chrootCandidates(buildroot, request)
      : interpreterCandidates(buildroot, request, environment['PATH'] ?? '');
    const programs = candidates.flatMap((candidate) => ('path' in candidate ? candidate.path : []));
    const first = candidates.findIndex((candidate) => 'path' in candidate);
    const distrusted = candidates.flatMap((candidate) => ('distrusted' in candidate ? candidate.distrusted : []));
    for (const problem of distrusted.slice(0, Math.max(0, first))) passedOver.add(problem);
    const known = pools.find(({ interpreter }) => isOf(interpreter, programs[0]));
    const usePool = (pool: WorkerPool, refused: readonly string[] = []) => {
      poolOfRequest.set(key, pool);
      const why = distrusted.length > 0 ? undefined : whyNotOwn(buildroot, request, inChroot, refused[0]);
      if (why !== undefined) passedOver.add(`${why}: ${pool.interpreter.executable} is used instead`);
    };
    if (known !== undefined && mismatchReason(known.interpreter, expected) === undefined) {
      usePool(known);
      continue;
    }
    const count = workersFor(sources.filter((source) => requestsOf(source).some((other) => requestKey(other) === key)));
    const started = await startFirst(programs, expected, workersEnvironment, count, root).catch(async (error) => {
      await close();
      throw error;
    });
    if ('refused' in started) {
      const isStaged = !isSystem && chrootCandidates(buildroot, request).length > 0;
      isNamedMissing ||= request.isNamed === true;
      const isPassedOver = distrusted.length > 0 && isRunningSystem(buildroot);
      if (!isPassedOver) hints.add(distrusted.length > 0 ? namedByPath : isStaged ? inChrootInstead : installIt);
      const own = whyNotOwn(buildroot, { home: systemDirectory, ...request }, inChroot) ?? [];
      const reasons = [...distrusted, own, ...started.refused].flat().join('; ');
      lacks.set(
        key,
        isPassedOver
          ? { reason: 'untrusted-interpreter', message: reasons }
          : { reason: 'no-interpreter', message: `no working ${request.command}${reasons && `: ${reasons}`}` },
      );
      continue;
    }
    const pool = new WorkerPool(workersEnvironment, started);
    pools.push(pool);
    usePool(pool, started.refusedBefore);
  }
  const missing = [...lacks.values()].filter(({ reason }) => reason === 'no-interpreter');
  const mayGoOn = ifMissing === 'skip' || (isSystem && pools.length > 0 && !isNamedMissing);
  if (missing.length > 0 && !mayGoOn) {
    await close();
    const messages = missing.map(({ message }) => message);
    throw new PyclinkError('interpreter-missing', messages.join('; '), { hint: [...hints].join('; ') });
  }
  const poolsOf = (source: Source) => {
    const asked = requestsOf(source).flatMap((request) => poolOfRequest.get(requestKey(request)) ?? []);
    return [...new Map(asked.map((pool) => [pool.interpreter.cacheTag, pool])).values()];
  };
  /** Caches results: many sources have the same request. */
  const known = new Map<Source['interpreter'], readonly WorkerPool[]>();
  return {
    all: pools,
    poolsOf: (source) => getOrAdd(known, source.interpreter, () => poolsOf(source)),
    lackOf: (source) => requestsOf(source).flatMap((request) => lacks.get(requestKey(request)) ?? [])[0],
    passedOver: [...passedOver].sort(),
    close,
  };
}

/** Why the interpreter of the environment or beside the library does not compile; undefined if there is none. */
function whyNotOwn(
  buildroot: Buildroot,
  { command, home = '' }: InterpreterRequest,
  inChroot: boolean,
  refused?: string,
): string | undefined {
  const own = command.includes('/') ? command : join(home, command);
  if (!own.startsWith('/')) return undefined;
  const staged = inChroot ? toStaged(buildroot, own) : own;
  const place = inChroot ? resolveInBuildroot(buildroot, staged as StagedPath) : { path: own };
  if (isGone(staged)) return command.includes('/') ? `${own} does not exist` : undefined;
  const problem = 'path' in place ? programProblem(place.path) : 'is a dangling symlink';
  return problem === undefined ? refused : `${own} ${problem}`;
}

function isOf({ executable, root }: Interpreter, candidate: string | undefined): boolean {
  if (candidate === undefined) return false;
  // In a chroot, candidates contain no symlinks.
  return root === undefined ? isSameProgram(executable, candidate) : executable === candidate;
}
