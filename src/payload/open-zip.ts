import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { fstat } from '../files/stat.ts';

/** @see APPNOTE.TXT, 4.3.16 */
const endBytes = 22;
const maxCommentBytes = 0xffff;
const endMagic = 'PK\x05\x06';

/** A 64-bit zip has its end record and the locator of that record before the usual end record. */
const locatorBytes = 20;
const locatorMagic = 'PK\x06\x07';
const zip64Bytes = 56 + locatorBytes;

/** Where a zip is in a file. */
interface Extent {
  readonly start: number;
  /** Where its central directory ends. */
  readonly directoryEnd: number;
  /** Whether the central directory is where the end records say, and they agree. */
  readonly isExact: boolean;
}

/**
 * Finds a zip in a file, where a shebang or a program may precede it; undefined if there is no zip at the end. If
 * offsets count from the start of the file, as zipapp writes them, the zip starts at 0.
 * @see _read_directory in Lib/zipimport.py
 */
export function zipExtent(file: string): Extent | undefined {
  const descriptor = openSync(file, 'r');
  try {
    const { sizeBytes } = fstat(descriptor);
    const tail = Buffer.alloc(Math.min(sizeBytes, zip64Bytes + endBytes + maxCommentBytes));
    readSync(descriptor, tail, 0, tail.length, sizeBytes - tail.length);
    const end = tail.lastIndexOf(endMagic, undefined, 'latin1');
    if (end < 0 || end + endBytes > tail.length) return undefined;
    if (end + endBytes + tail.readUInt16LE(end + 20) !== tail.length) return undefined;
    const directory = tail.readUInt32LE(end + 16);
    const endAt = sizeBytes - tail.length + end;
    const isZip64 = end >= zip64Bytes && tail.toString('latin1', end - locatorBytes).startsWith(locatorMagic);
    const directoryEnd = isZip64 ? endAt - zip64Bytes : endAt;
    // A zip of 4 GiB or more stores its offsets elsewhere.
    const start = directory === 0xffffffff ? 0 : directoryEnd - tail.readUInt32LE(end + 12) - directory;
    const isExact =
      start >= 0 && (!isZip64 || agree(tail.subarray(end - zip64Bytes, end + endBytes), directoryEnd - start));
    return { start: Math.max(0, start), directoryEnd, isExact };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Whether the 64-bit end record of a zip and its usual end record have the same numbers. Programs differ in which of the
 * two they read.
 * @param records the 64-bit end record, its locator, and the usual end record
 * @param recordAt the offset of the 64-bit end record, which the locator must have
 */
function agree(records: Buffer, recordAt: number): boolean {
  const numbers = [
    [8, 2, 24],
    [10, 2, 32],
    [12, 4, 40],
    [16, 4, 48],
  ] as const;
  const isSame = ([at, bytes, longAt]: (typeof numbers)[number]) => {
    const short = records.readUIntLE(zip64Bytes + at, bytes);
    return short === 256 ** bytes - 1 || BigInt(short) === records.readBigUInt64LE(longAt);
  };
  return records.readBigUInt64LE(zip64Bytes - 12) === BigInt(recordAt) && numbers.every(isSame);
}

/** An open zip, and where its entries must end, as yauzl counts. */
interface OpenZip {
  readonly zip: ZipFile;
  readonly directoryEnd: number;
}

/** Opens a zip. The caller must close it. @throws yauzl's error, or if programs would interpret it differently */
export async function openZip(file: string): Promise<OpenZip> {
  const { start, directoryEnd, isExact } = zipExtent(file) ?? { start: 0, directoryEnd: 0, isExact: true };
  if (!isExact) throw new Error('its end records do not agree, or its central directory is not where they say');
  const reader = new ReaderFrom(file, start);
  try {
    const zip = await fromRandomAccessReaderPromise(reader, reader.sizeBytes, { autoClose: false });
    return { zip, directoryEnd: directoryEnd - start };
  } catch (error) {
    reader.close(() => undefined);
    throw error;
  }
}

/** Reads a file from an offset on. */
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
    // Two short reads for each member: threads would take longer than the reads.
    done(null, readSync(this.#descriptor, buffer, offset, length, this.#start + position));
  }

  override close(done: (error: Error | null) => void): void {
    closeSync(this.#descriptor);
    done(null);
  }
}
