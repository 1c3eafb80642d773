import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { z } from 'zod';
import { messageOf } from '../errors.ts';
import type { Environment } from './environment.ts';
import type { Interpreter } from './interpreter.ts';
import type { InvalidationMode } from './pyc-header.ts';
import type { Level } from './pyc-name.ts';

/** What a worker is asked: write the pycs of one source. */
export interface WorkerJob {
  readonly source: string;
  /** The file with the text, where the kernel cannot get there through `source`. */
  readonly content?: string;
  readonly recordedDirectory: string;
  readonly levels: readonly Level[];
  readonly invalidationMode: InvalidationMode;
}

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

/** What a worker answers: the first level that failed and why, and what the compiler warned about, each once. */
export interface WorkerAnswer {
  readonly failure?: { readonly level: Level; readonly problem: string };
  readonly warnings: readonly string[];
}

/** A running interpreter. It answers jobs in the order they were sent. */
export interface Worker {
  readonly interpreter: Interpreter;
  /** @throws WorkerDied if it ends, or does not answer within `limitMs`, when it is killed. */
  compile(job: WorkerJob, limitMs: number): Promise<WorkerAnswer>;
  /** Ends it and waits until it is gone. */
  close(): Promise<void>;
}

/** A worker ended that should not have. */
export class WorkerDied extends Error {
  override readonly name = 'WorkerDied';
  /** It was killed because it took too long. */
  readonly hung: boolean;

  constructor(message: string, hung: boolean) {
    super(message);
    this.hung = hung;
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
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  const nextLine = async (limitMs: number): Promise<string> => {
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, limitMs);
    const { value, done } = await lines.next();
    clearTimeout(timer);
    if (done !== true) return value;
    const { exitCode, signal, code } = await child;
    const end = signal ?? code ?? `exit status ${exitCode}`;
    const lastWords = saidOnError.trim().split('\n').at(-1);
    const reason = hung ? `no answer within ${limitMs / 1000} s` : lastWords ? `${end}: ${lastWords}` : end;
    throw new WorkerDied(reason, hung);
  };

  let hello: z.output<typeof helloSchema>;
  try {
    hello = helloSchema.parse(decodeWords(await nextLine(startLimitMs)));
  } catch (error) {
    child.kill('SIGKILL');
    await child;
    if (error instanceof WorkerDied) throw error;
    const issue = error instanceof z.ZodError ? error.issues[0]?.message : undefined;
    throw new WorkerDied(issue ?? messageOf(error), false);
  }
  return {
    interpreter: { executable, ...hello },
    compile: async ({ source, content = '', recordedDirectory, levels, invalidationMode }, limitMs) => {
      child.stdin.write(encodeWords([source, content, recordedDirectory, levels.join(''), invalidationMode]));
      const [level = '', problem = '', ...warnings] = decodeWords(await nextLine(limitMs));
      return { warnings, ...(level === '' ? {} : { failure: { level: Number(level) as Level, problem } }) };
    },
    close: async () => {
      child.stdin.end();
      await child;
    },
  };
}

/** A line of the protocol: see worker.py. */
function encodeWords(words: readonly string[]): string {
  return `${words.map((word) => Buffer.from(word).toString('hex')).join(' ')}\n`;
}

function decodeWords(line: string): string[] {
  return line.split(' ').map((word) => Buffer.from(word, 'hex').toString());
}
