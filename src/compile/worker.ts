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
   * The answer to the oldest job that has none. One is waited for at a time.
   * @throws WorkerDied if it ends, or does not answer within `limitMs`, when it is killed.
   */
  receive(limitMs: number): Promise<WorkerAnswer>;
  /** Ends it and waits until it is gone. */
  close(): Promise<void>;
}

/** A worker ended that should not have. */
export class WorkerDied extends Error {
  override readonly name = 'WorkerDied';
  /** It was killed because it took too long, by someone else, or ended by itself. */
  readonly end: 'hung' | 'killed' | 'ended';

  constructor(message: string, end: WorkerDied['end']) {
    super(message);
    this.end = end;
  }
}

/** Lies beside this module, in the sources and in the bundle. */
const workerFile = join(import.meta.dirname, 'worker.py');

const startLimitMs = 60_000;

/** How much of a worker's standard error is kept to explain its death. */
const keptErrorChars = 2000;

/**
 * Starts an interpreter and waits until it says what it is. No site directories, nothing of the current directory or
 * of the caller's environment reaches it.
 * @throws WorkerDied if it does not start or is no Python that can work for pyclink.
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
  // A write to a worker that has just died fails; its death is noticed at the next read.
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
      // What it still answers is of no interest; unread, it would keep the process waiting.
      child.stdout.destroy();
      await child;
    },
  };
}
