import { join } from 'node:path';
import { execa } from 'execa';
import * as z from 'zod';
import { messageOf } from '../errors.ts';
import { ByteReader } from './byte-reader.ts';
import type { Environment } from './environment.ts';
import type { Interpreter } from './interpreter.ts';
import { encodeJob, helloSchema, readAnswer, readMessage, type WorkerAnswer, type WorkerJob } from './protocol.ts';

/** A running interpreter. It answers jobs in the order they were sent. */
export interface Worker {
  readonly interpreter: Interpreter;
  /** Queues jobs. */
  send(jobs: readonly WorkerJob[]): void;
  /**
   * The answer to the oldest job without one. Only one call may wait at a time.
   * @throws WorkerDied if the worker ends, or is killed because it does not answer within `limitMs`
   */
  receive(limitMs: number): Promise<WorkerAnswer>;
  /** Ends it and waits until it is gone. */
  close(): Promise<void>;
}

/** A worker ended unexpectedly. */
export class WorkerDied extends Error {
  override readonly name = 'WorkerDied';
  /** Whether pyclink killed it because it took too long, something else killed it, or it exited. */
  readonly end: 'hung' | 'killed' | 'ended';

  constructor(message: string, end: WorkerDied['end']) {
    super(message);
    this.end = end;
  }
}

/** Beside this module in the sources, and beside the bundle. */
const workerFile = join(import.meta.dirname, 'worker.py');

const startLimitMs = 60_000;

/** How much of a worker's standard error is kept to explain its death. */
const keptErrorChars = 2000;

/**
 * Starts an interpreter and waits until it describes itself. It sees no site directories, nothing in the current
 * directory, and nothing of the caller's environment.
 * @throws WorkerDied if it does not start, or is no Python that can be a worker
 */
export async function startWorker(executable: string, environment: Environment): Promise<Worker> {
  const child = execa(executable, ['-s', '-S', '-B', workerFile], {
    env: environment as Record<string, string>,
    extendEnv: false,
    stdin: 'pipe',
    buffer: false,
    reject: false,
  });
  let saidOnError = '';
  child.stderr.on('data', (chunk: Buffer) => {
    saidOnError = (saidOnError + chunk.toString()).slice(-keptErrorChars);
  });
  // Writing to a worker that just died fails. The next read reports its death.
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
    const { exitCode, signal, code } = await child;
    const end = signal ?? code ?? `exit status ${exitCode}`;
    const lastWords = saidOnError.trim().split('\n').at(-1);
    const reason = hung ? `no answer within ${limitMs / 1000} s` : lastWords ? `${end}: ${lastWords}` : end;
    throw new WorkerDied(reason, hung ? 'hung' : signal === undefined ? 'ended' : 'killed');
  };

  let hello: z.output<typeof helloSchema>;
  try {
    hello = helloSchema.parse(await within(startLimitMs, () => readMessage(output)));
  } catch (error) {
    child.kill('SIGKILL');
    await child;
    if (error instanceof WorkerDied) throw error;
    const issue = error instanceof z.ZodError ? error.issues[0]?.message : undefined;
    throw new WorkerDied(issue ?? messageOf(error), 'ended');
  }
  return {
    interpreter: { executable, ...hello },
    send: (jobs) => {
      child.stdin.write(jobs.map(encodeJob).join(''));
    },
    receive: (limitMs) => within(limitMs, () => readAnswer(output)),
    close: async () => {
      child.stdin.end();
      // Discard pending answers, or the worker blocks on a full pipe.
      child.stdout.destroy();
      await child;
    },
  };
}
