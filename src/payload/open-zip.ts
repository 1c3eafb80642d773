import { closeSync, createReadStream, openSync, read, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { fstat } from '../files/stat.ts';

/** @see APPNOTE.TXT, 4.3.16 */
const endBytes = 22;
const maxCommentBytes = 0xffff;
const endMagic = 'PK\x05\x06';

/**
 * Where a zip starts in a file: behind a shebang, or the program that unpacks it; undefined if there is no zip at the end.
 * Where offsets count from the start of the file, as zipapp writes them, that is 0.
 * @see _read_directory in Lib/zipimport.py
 */
export function zipStart(file: string): number | undefined {
  const descriptor = openSync(file, 'r');
  try {
    const { sizeBytes } = fstat(descriptor);
    const tail = Buffer.alloc(Math.min(sizeBytes, endBytes + maxCommentBytes));
    readSync(descriptor, tail, 0, tail.length, sizeBytes - tail.length);
    const end = tail.lastIndexOf(endMagic, undefined, 'latin1');
    if (end < 0 || end + endBytes > tail.length) return undefined;
    if (end + endBytes + tail.readUInt16LE(end + 20) !== tail.length) return undefined;
    const directory = tail.readUInt32LE(end + 16);
    // The offsets of a zip of 4 GiB or more are elsewhere.
    if (directory === 0xffffffff) return 0;
    return Math.max(0, sizeBytes - tail.length + end - tail.readUInt32LE(end + 12) - directory);
  } finally {
    closeSync(descriptor);
  }
}

/** Opens a zip; `close` must be called. @throws yauzl's error */
export async function openZip(file: string): Promise<ZipFile> {
  const reader = new ReaderFrom(file, zipStart(file) ?? 0);
  try {
    return await fromRandomAccessReaderPromise(reader, reader.sizeBytes, { autoClose: false });
  } catch (error) {
    reader.close(() => undefined);
    throw error;
  }
}

/** Reads a file from somewhere on. */
class ReaderFrom extends RandomAccessReader {
  readonly sizeBytes: number;
  readonly #file: string;
  readonly #descriptor: number;
  readonly #start: number;

  constructor(file: string, start: number) {
    super();
    this.#descriptor = openSync(file, 'r');
    this.#file = file;
    this.#start = start;
    this.sizeBytes = fstat(this.#descriptor).sizeBytes - start;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return createReadStream(this.#file, { start: this.#start + start, end: this.#start + end - 1 });
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, readBytes?: number) => void,
  ): void {
    read(this.#descriptor, buffer, offset, length, this.#start + position, done);
  }

  override close(done: (error: Error | null) => void): void {
    closeSync(this.#descriptor);
    done(null);
  }
}
