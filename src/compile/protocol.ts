import * as z from 'zod';
import type { InvalidationMode } from '../pyc/header.ts';
import type { Level } from '../pyc/name.ts';
import type { LevelProof } from '../pyc/releases.ts';
import type { ByteReader } from './byte-reader.ts';

// Jobs and answers as they go through a worker's pipes: worker.py has the other end and describes the format.

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

/** The first message: which interpreter this is. */
export const helloSchema = z
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

const notOurs = 'does not answer as a worker of pyclink';

/** One line of the worker's input. */
export function encodeJob({
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

/**
 * A row of words, or undefined if the output ends before it does.
 * @throws if the output is not a worker's
 */
export async function readMessage(output: ByteReader): Promise<string[] | undefined> {
  const digits = (await output.read(8))?.toString();
  if (digits === undefined) return undefined;
  if (!/^[0-9a-f]{8}$/.test(digits)) throw new Error(notOurs);
  const message = await output.read(Number.parseInt(digits, 16));
  return message
    ?.toString()
    .split(' ')
    .map((word) => Buffer.from(word, 'hex').toString());
}

/** An answer, or undefined if the output ends before it does. */
export async function readAnswer(output: ByteReader): Promise<WorkerAnswer | undefined> {
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
