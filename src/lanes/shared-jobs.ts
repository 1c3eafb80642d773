import type { SourceFile } from '../buildroot/source.ts';
import type { Interpreter } from '../compile/interpreter.ts';
import type { CompileJob, RecordedName } from '../compile/plan.ts';
import type { PayloadPath, StagedPath } from '../files/path.ts';
import type { Level } from '../pyc/name.ts';

/** The jobs of one interpreter, in memory that lanes share. They take them one by one. */
export interface SharedJobs {
  readonly interpreter: Interpreter;
  readonly levels: readonly Level[];
  readonly recorded: RecordedName;
  /** A JSON array for each source. */
  readonly text: SharedArrayBuffer;
  /** Where each of them ends. */
  readonly ends: SharedArrayBuffer;
  /** How many jobs were taken. */
  readonly taken: SharedArrayBuffer;
}

/** A job with its number among those of its interpreter. */
export interface NumberedJob extends CompileJob {
  readonly number: number;
}

type EncodedSource = [
  ...[staged: string, payload: string, content: string, physical: 0 | 1, hasCache: 0 | 1],
  ...[size: number, mtime: number],
];

/** Puts jobs of one interpreter into shared memory. There is at least one, and all have the same levels. */
export function shareJobs(jobs: readonly CompileJob[]): SharedJobs {
  const { interpreter, levels, recorded } = jobs[0] as CompileJob;
  const encoded = jobs.map(({ source }) => {
    const { staged, payload, content, physical, hasCache, sizeBytes, mtimeSeconds } = source;
    const fields: EncodedSource = [
      ...([staged, payload, content === staged ? '' : content] as const),
      ...([physical ? 1 : 0, hasCache ? 1 : 0, sizeBytes, mtimeSeconds] as const),
    ];
    return Buffer.from(JSON.stringify(fields));
  });
  const text = new SharedArrayBuffer(encoded.reduce((sum, { length }) => sum + length, 0));
  const ends = new SharedArrayBuffer(4 * jobs.length);
  const [bytes, offsets] = [new Uint8Array(text), new Uint32Array(ends)];
  let end = 0;
  encoded.forEach((one, i) => {
    bytes.set(one, end);
    end += one.length;
    offsets[i] = end;
  });
  return { interpreter, levels, recorded, text, ends, taken: new SharedArrayBuffer(4) };
}

/** Takes jobs from shared memory, each once among all lanes. */
export function sharedQueue({ interpreter, levels, recorded, ...shared }: SharedJobs): () => NumberedJob | undefined {
  const text = Buffer.from(shared.text);
  const ends = new Uint32Array(shared.ends);
  const taken = new Int32Array(shared.taken);
  return () => {
    const number = Atomics.add(taken, 0, 1);
    if (number >= ends.length) return undefined;
    const source = decoded(text.toString('utf8', ends[number - 1] ?? 0, ends[number]));
    return { number, source, interpreter, levels, recorded };
  };
}

/** A queue of jobs for one lane. */
export function queueOf(jobs: readonly CompileJob[]): () => NumberedJob | undefined {
  let taken = 0;
  return () => {
    const number = taken;
    const job = jobs[number];
    if (job === undefined) return undefined;
    taken += 1;
    return { ...job, number };
  };
}

function decoded(text: string): SourceFile {
  const [staged, payload, content, physical, hasCache, sizeBytes, mtimeSeconds] = JSON.parse(text) as EncodedSource;
  return {
    staged: staged as StagedPath,
    payload: payload as PayloadPath,
    content: (content === '' ? staged : content) as StagedPath,
    physical: physical === 1,
    hasCache: hasCache === 1,
    sizeBytes,
    mtimeSeconds,
  };
}
