import type { InvalidationMode } from '../pyc/header.ts';
import type { Level } from '../pyc/name.ts';
import type { Pyc } from '../pyc/pyc.ts';
import type { LevelProof } from '../pyc/releases.ts';
import type { ByteReader } from './byte-reader.ts';

// Encodes jobs and decodes answers of a worker. worker.py is the other end and describes the format.

/** A request: compile one source. */
export interface WorkerJob {
  readonly source: string;
  /** The file with the text, if `source` is a symlink that only the installed system can follow. */
  readonly content?: string;
  readonly recordedDirectory: string;
  readonly levels: readonly Level[];
  readonly invalidationMode: InvalidationMode;
  /** If given, the worker skips levels that are proved equal to the level before. */
  readonly levelProof?: LevelProof | undefined;
}

/** The text that a worker compiled. */
export interface CompiledText {
  readonly sha256: string;
  /** False if it may have another encoding, whose module `hello` does not list. */
  readonly isUtf8: boolean;
}

/** A worker's answer: the pycs, the first problem, and the warnings without duplicates. */
export interface WorkerAnswer {
  /** In order, up to the level that failed. A level that is proved equal to the one before shares its buffer. */
  readonly levels: readonly Omit<Pyc, 'path'>[];
  /** Why that level failed. */
  readonly problem?: string;
  readonly warnings: readonly string[];
  /** The text that was compiled. Told only for a cache, and only if the file did not change from level to level. */
  readonly compiled?: CompiledText;
}

const notOurs = 'does not respond like a pyclink worker';

/** What determines the output of an interpreter's compiler. */
export interface CompilerFacts {
  /** How the interpreter was built and started: its build, options and variables. */
  readonly started: string;
  /** Its machine code, its modules and the names of their pycs. Only reported for a cache. */
  readonly files: readonly CompilerFile[];
}

/** A file of a compiler. */
export interface CompilerFile {
  readonly path: string;
  /** Size, device, inode and mtime in nanoseconds for machine code; the size for a module; empty for a pyc. */
  readonly identity: string;
}

/**
 * Reads a worker's first message; undefined if the output ends before it is complete.
 * @throws if the output is not a worker's, or this interpreter cannot be a worker
 */
export async function readHello(output: ByteReader) {
  const words = await readMessage(output);
  if (words === undefined) return undefined;
  const [implementation = '', version = '', cacheTag = '', magicNumber = '', threads, encoding, ...more] = words;
  const [started = '', ...told] = more;
  if (words.length < 7 || !/^\d+$/.test(magicNumber)) throw new Error(notOurs);
  if (cacheTag === '') throw new Error('writes no pycs');
  if (encoding !== 'utf-8') throw new Error('does not encode file names as UTF-8');
  const freeThreaded = threads !== '';
  const interpreter = { implementation, version, cacheTag, magicNumber: Number(magicNumber), freeThreaded };
  const files: CompilerFile[] = [];
  for (let i = 0; i + 1 < told.length; i += 2) files.push({ identity: told[i] as string, path: told[i + 1] as string });
  const compiler: CompilerFacts = { started, files };
  return { interpreter, compiler };
}

/** One line of the worker's input. In UTF-16, words may contain Python's lone surrogates. */
export function encodeJob(job: WorkerJob): string {
  const { source, content = '', recordedDirectory, levels, invalidationMode, levelProof } = job;
  const flag = `${levelProof?.docstringFlag ?? ''}`;
  const words = [source, content, recordedDirectory, levels.join(''), invalidationMode, flag];
  return `${words.map((word) => Buffer.from(word, 'utf16le').toString('hex')).join(' ')}\n`;
}

/**
 * Reads a message as a list of words; undefined if the output ends before it is complete.
 * @throws if the output is not a worker's
 */
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

/** Reads an answer; undefined if the output ends before it is complete. */
export async function readAnswer(output: ByteReader): Promise<WorkerAnswer | undefined> {
  const message = await readMessage(output);
  if (message === undefined) return undefined;
  const [failed = '', problem = '', made = '', sha256 = '', utf8 = '', ...warnings] = message;
  const rows = made === '' ? [] : made.split(' ').map((one) => one.split(':'));
  const sizes = rows.map(([, size]) => (size === 'same' ? 0 : Number(size)));
  const contents = await output.read(sizes.reduce((sum, size) => sum + size, 0));
  if (contents === undefined) return undefined;
  let start = 0;
  const levels: WorkerAnswer['levels'][number][] = [];
  for (const [i, [number, size, permissions = '']] of rows.entries()) {
    const level = Number(number) as Level;
    const before = levels.at(-1);
    if (size !== 'same') {
      const content = contents.subarray(start, start + (sizes[i] as number));
      start += content.length;
      levels.push({ level, content, mode: Number.parseInt(permissions, 8) });
    } else if (before !== undefined) levels.push({ ...before, level });
  }
  return {
    levels,
    warnings,
    ...(sha256 === '' ? {} : { compiled: { sha256, isUtf8: utf8 !== '' } }),
    ...(failed === '' ? {} : { problem }),
  };
}
