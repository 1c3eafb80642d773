import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { errnoOf, messageOf } from '../errors.ts';
import { ifRefused } from '../files/if-possible.ts';
import { ByteReader } from './byte-reader.ts';
import type { Environment } from './environment.ts';
import type { Interpreter } from './interpreter.ts';
import { type CompilerFacts, encodeJob, readAnswer, readHello, type WorkerAnswer, type WorkerJob } from './protocol.ts';
import { workerCommand } from './worker-command.ts';

/** A running interpreter. It answers jobs in the order they were sent. */
export interface Worker {
  readonly interpreter: Interpreter;
  readonly compiler: CompilerFacts;
  /** Queues jobs. */
  send(jobs: readonly WorkerJob[]): void;
  /**
   * Waits for the answer to the oldest unanswered job. Only one call may wait at a time.
   * @throws WorkerDied if the worker ends, or is killed because it does not answer within `limitMs`
   */
  receive(limitMs: number): Promise<WorkerAnswer>;
  /** Stops it and waits for its end. */
  close(): Promise<void>;
}

/** A worker ended unexpectedly. */
export class WorkerDied extends Error {
  override readonly name = 'WorkerDied';
  /**
   * Whether pyclink killed it because it took too long, something else killed it, it exited, or the system could not
   * start it for lack of memory, processes or open files.
   */
  readonly end: 'hung' | 'killed' | 'ended' | 'unstarted';

  constructor(message: string, end: WorkerDied['end']) {
    super(message);
    this.end = end;
  }
}

const startLimitMs = 60_000;

/** Errors that mean that the system cannot start any program. */
const shortages: ReadonlySet<string> = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']);

/** How much of a worker's standard error to keep, to explain its death. */
const keptErrorChars = 2000;

/**
 * Starts an interpreter and waits until it describes itself. It uses no site directories, nothing from the current
 * directory, and nothing from the caller's environment.
 * @param root the root directory of a chroot, if the interpreter is not in the running system
 * @throws WorkerDied if it does not start, or cannot be a worker
 */
export async function startWorker(executable: string, environment: Environment, root?: string): Promise<Worker> {
  const { command, args } = workerCommand(executable, root);
  // Not execa: loading it and starting a process with it takes longer than starting an interpreter.
  const child = spawned(command, args, environment);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(errnoOf(error) ?? error.message));
    child.once('close', (status, signal) => resolve(signal ?? `exit status ${status}`));
  });
  // Without a process there are no pipes.
  if (child.pid === undefined) throw unstarted(await ended);
  let saidOnError = '';
  child.stderr.on('data', (chunk: Buffer) => {
    saidOnError = (saidOnError + chunk.toString()).slice(-keptErrorChars);
  });
  // Ignored, because a write fails only if the worker has died, and the next read reports that.
  child.stdin.on('error', () => undefined);
  const output = new ByteReader(child.stdout);

  /** @throws WorkerDied */
  const within = async <T>(limitMs: number, read: () => Promise<T | undefined>): Promise<T> => {
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, limitMs);
    const value = await read().finally(() => clearTimeout(timer));
    if (value !== undefined) return value;
    const end = await ended;
    const lastWords = saidOnError.trim().split('\n').at(-1);
    const reason = hung ? `no response within ${limitMs / 1000} s` : lastWords ? `${end}: ${lastWords}` : end;
    throw new WorkerDied(reason, hung ? 'hung' : child.signalCode === null ? 'ended' : 'killed');
  };

  const hello = await within(startLimitMs, () => readHello(output)).catch(async (error: unknown) => {
    child.kill('SIGKILL');
    await ended;
    throw error instanceof WorkerDied ? error : new WorkerDied(messageOf(error), 'ended');
  });
  return {
    interpreter: { executable, ...(root === undefined ? {} : { root }), ...hello.interpreter },
    compiler: hello.compiler,
    send: (jobs) => {
      child.stdin.write(jobs.map(encodeJob).join(''));
    },
    receive: (limitMs) => within(limitMs, () => readAnswer(output)),
    close: async () => {
      child.stdin.end();
      // Discard pending answers, or the worker blocks on a full pipe.
      child.stdout.destroy();
      await ended;
    },
  };
}

/** Starts a process. Node.js reports some errors as events and throws others. @throws WorkerDied */
function spawned(command: string, args: readonly string[], env: Environment): ChildProcessWithoutNullStreams {
  return ifRefused(
    () => spawn(command, args, { env }),
    (error) => {
      throw unstarted(errnoOf(error) ?? '');
    },
  );
}

function unstarted(errno: string): WorkerDied {
  return new WorkerDied(errno, shortages.has(errno) ? 'unstarted' : 'ended');
}
