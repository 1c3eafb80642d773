import { join } from 'node:path';
import { execa } from 'execa';
import * as z from 'zod';
import { messageOf } from '../errors.ts';
import type { InvalidationMode } from '../pyc/header.ts';
import type { Level } from '../pyc/name.ts';
import type { LevelProof } from '../pyc/releases.ts';
import { ByteReader } from './byte-reader.ts';
import type { Environment } from './environment.ts';
import type { Interpreter } from './interpreter.ts';

/** What a worker is asked: write the pycs of one source. */
export interface WorkerJob {
  readonly source: string;
  /** The file with the text, where the kernel cannot get there through `source`. */
  readonly content?: string;
  readonly recordedDirectory: string;
  readonly levels: readonly Level[];
  readonly invalidationMode: InvalidationMode;
  /** If given, a level that is certain to have the same code as the one before is not compiled again. */
  readonly levelProof?: LevelProof | undefined;
}

/** What became of a level: the pyc that is to be written, or the same as the level before. */
export type CompiledLevel = { readonly level: Level } & (
  | { readonly content: Buffer; readonly mode: number }
  | { readonly isSame: true }
);

const helloSchema = z
  .tuple([
    z.string(),
    z.string(),
    z.string().min(1, 'writes no pycs'),
    z.coerce.number().int(),
    z.string(),
    z.literal('utf-8', 'does not take file names as UTF-8'),
  ])
  .transform(([implementation, version, cacheTag, magicNumber, threads]) => ({
    implementation,
    version,
    cacheTag,
    magicNumber,
    freeThreaded: threads !== '',
  }));

/**
 * What a worker answers: the first level that failed and why, and what the compiler warned about, each once. Its bytes
 * are there until anything is awaited: the next answer takes their place.
 */
export interface WorkerAnswer {
  /** In their order; without the one that failed and those after it. */
  readonly compiled: readonly CompiledLevel[];
  readonly failure?: { readonly level: Level; readonly problem: string };
  readonly warnings: readonly string[];
}

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

const notOurs = 'does not answer as a worker of pyclink';

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

// The protocol: see worker.py.

function encodeJob({
  source,
  content = '',
  recordedDirectory,
  levels,
  invalidationMode,
  levelProof,
}: WorkerJob): string {
  const words = [
    source,
    content,
    recordedDirectory,
    levels.join(''),
    invalidationMode,
    `${levelProof?.docstringFlag ?? ''}`,
  ];
  return `${words.map((word) => Buffer.from(word).toString('hex')).join(' ')}\n`;
}

/** Undefined if the output ends before the message does. */
async function readMessage(output: ByteReader): Promise<string[] | undefined> {
  const digits = (await output.read(8))?.toString();
  if (digits === undefined) return undefined;
  if (!/^[0-9a-f]{8}$/.test(digits)) throw new Error(notOurs);
  const message = await output.read(Number.parseInt(digits, 16));
  return message
    ?.toString()
    .split(' ')
    .map((word) => Buffer.from(word, 'hex').toString());
}

/** Undefined if the output ends before the answer does. */
async function readAnswer(output: ByteReader): Promise<WorkerAnswer | undefined> {
  const message = await readMessage(output);
  if (message === undefined) return undefined;
  const [failed = '', problem = '', made = '', ...warnings] = message;
  const levels = made === '' ? [] : made.split(' ').map((one) => one.split(':'));
  const sizes = levels.map(([, size]) => (size === 'same' ? 0 : Number(size)));
  const contents = await output.read(sizes.reduce((sum, size) => sum + size, 0));
  if (contents === undefined) return undefined;
  let start = 0;
  const compiled = levels.map(([number, size, permissions = ''], i): CompiledLevel => {
    const level = Number(number) as Level;
    if (size === 'same') return { level, isSame: true };
    const content = contents.subarray(start, start + (sizes[i] as number));
    start += content.length;
    return { level, content, mode: Number.parseInt(permissions, 8) };
  });
  return { compiled, warnings, ...(failed === '' ? {} : { failure: { level: Number(failed) as Level, problem } }) };
}
