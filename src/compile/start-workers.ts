import type { ExpectedInterpreter } from '../buildroot/python-directory.ts';
import { PyclinkError } from '../errors.ts';
import type { Environment } from './environment.ts';
import { type Interpreter, mismatchReason } from './interpreter.ts';
import type { CompilerFacts } from './protocol.ts';
import { startWorker, type Worker, WorkerDied } from './worker.ts';

/** Workers of one interpreter. All but the first may still be starting. */
export interface StartedWorkers {
  readonly interpreter: Interpreter;
  readonly compiler: CompilerFacts;
  readonly workers: readonly Promise<Worker>[];
  /** Why the candidates before it were refused. */
  readonly refusedBefore?: readonly string[];
}

/**
 * Starts the first candidate that works and is the expected interpreter.
 * @param count how many workers to start in parallel
 * @param root the root directory of a chroot, if the candidates are not in the running system
 * @returns the workers, or the reasons why each candidate was refused
 * @throws PyclinkError `worker-failed` if one could not start or describe itself for lack of resources: it may be the
 *   right one
 */
export async function startFirst(
  candidates: readonly string[],
  expected: ExpectedInterpreter,
  environment: Environment,
  count = 1,
  root?: string,
): Promise<StartedWorkers | { readonly refused: readonly string[] }> {
  const refused: string[] = [];
  for (const executable of candidates) {
    const workers = Array.from({ length: count }, () => startTwice(executable, environment, root));
    const all = Promise.allSettled(workers);
    let lost: WorkerDied | undefined;
    try {
      const { interpreter, compiler } = (await workers[0]) as Worker;
      const mismatch = mismatchReason(interpreter, expected);
      if (mismatch === undefined) return { interpreter, compiler, workers, refusedBefore: refused };
      refused.push(`${executable} ${mismatch}`);
    } catch (error) {
      if (!(error instanceof WorkerDied)) throw error;
      if (error.end !== 'ended') lost = error;
      refused.push(`${executable} does not start (${error.message})`);
    }
    for (const worker of await all) if (worker.status === 'fulfilled') await worker.value.close();
    if (lost === undefined) continue;
    const message = `the interpreter cannot be started (${lost.message})`;
    throw new PyclinkError('worker-failed', message, { path: executable, cause: lost });
  }
  return { refused };
}

/** Starts a worker. Retries once if it is killed while it starts. @throws WorkerDied */
export async function startTwice(executable: string, environment: Environment, root?: string): Promise<Worker> {
  try {
    return await startWorker(executable, environment, root);
  } catch (error) {
    if (!(error instanceof WorkerDied) || error.end !== 'killed') throw error;
    return startWorker(executable, environment, root);
  }
}
