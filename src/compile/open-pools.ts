import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Buildroot } from '../buildroot/path.ts';
import { expectedInterpreter, requestKey } from '../buildroot/python-directory.ts';
import { isRunningSystem } from '../buildroot/running-system.ts';
import type { Source } from '../buildroot/source.ts';
import { PyclinkError } from '../errors.ts';
import { type Environment, workerEnvironment } from './environment.ts';
import { type Interpreter, mismatchReason } from './interpreter.ts';
import { chrootCandidates, debianDefaults, interpreterCandidates, supportedPythons } from './interpreter-candidates.ts';
import { startFirst } from './start-workers.ts';
import { WorkerPool } from './worker-pool.ts';

/** The interpreters that a build needs, each started once. */
export interface Pools {
  readonly all: readonly WorkerPool[];
  /** The pools that compile a source, one for each cache tag. */
  poolsOf(source: Source): readonly WorkerPool[];
  /** Why there is no interpreter for a source; undefined if there is one. */
  lackOf(source: Source): string | undefined;
  /** Ends every worker and waits until it is gone. */
  close(): Promise<void>;
}

/**
 * Starts each interpreter that the sources need. The first is started before this function returns a promise.
 * @param workersFor how many workers of an interpreter to start for these sources
 * @param inChroot the interpreters are those of the buildroot
 * @param forCache whether workers tell what a cache has to know
 * @throws PyclinkError `interpreter-missing`, if missing ones are errors: names each of them and what was tried
 */
export async function openPools(
  buildroot: Buildroot,
  sources: readonly Source[],
  environment: Environment,
  ifMissing: 'fail' | 'skip',
  workersFor: (sources: readonly Source[]) => number,
  { inChroot, forCache }: { readonly inChroot: boolean; readonly forCache: boolean },
): Promise<Pools> {
  const root = inChroot ? buildroot.path : undefined;
  const workersEnvironment = workerEnvironment(environment, forCache);
  const pools: WorkerPool[] = [];
  const poolOfRequest = new Map<string, WorkerPool>();
  const lacks = new Map<string, string>();
  /** Whether the buildroot has an interpreter that is lacking. */
  let isStaged = false;
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
    const known = pools.find(({ interpreter }) => isSameProgram(interpreter, candidates[0]));
    if (known !== undefined && mismatchReason(known.interpreter, expected) === undefined) {
      poolOfRequest.set(key, known);
      continue;
    }
    const count = workersFor(sources.filter((source) => requestsOf(source).some((other) => requestKey(other) === key)));
    const started = await startFirst(candidates, expected, workersEnvironment, count, root);
    if ('refused' in started) {
      isStaged ||= !inChroot && !isRunningSystem(buildroot) && chrootCandidates(buildroot, request).length > 0;
      lacks.set(key, [`no ${request.command} that works`, ...started.refused].join(': '));
      continue;
    }
    const pool = new WorkerPool(workersEnvironment, started);
    pools.push(pool);
    poolOfRequest.set(key, pool);
  }
  if (lacks.size > 0 && ifMissing === 'fail') {
    await close();
    throw new PyclinkError('interpreter-missing', [...lacks.values()].join('; '), {
      hint: isStaged
        ? 'the buildroot has one: --chroot starts it there'
        : 'install the interpreter, name one with --python, or leave its directory out with --exclude',
    });
  }
  const poolsOf = (source: Source) => {
    const asked = requestsOf(source).flatMap((request) => poolOfRequest.get(requestKey(request)) ?? []);
    return [...new Map(asked.map((pool) => [pool.interpreter.cacheTag, pool])).values()];
  };
  /** The answers so far. Many sources have the same request. */
  const known = new Map<Source['interpreter'], readonly WorkerPool[]>();
  return {
    all: pools,
    poolsOf: (source) => {
      const answer = known.get(source.interpreter) ?? poolsOf(source);
      known.set(source.interpreter, answer);
      return answer;
    },
    lackOf: (source) => requestsOf(source).flatMap((request) => lacks.get(requestKey(request)) ?? [])[0],
    close,
  };
}

function isSameProgram({ executable, root }: Interpreter, candidate: string | undefined): boolean {
  if (candidate === undefined) return false;
  // In a chroot candidates have no symlinks in them.
  if (root !== undefined) return executable === candidate;
  return realpathSync.native(executable) === realpathSync.native(candidate);
}
