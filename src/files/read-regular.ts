import { closeSync, constants, openSync, readSync } from 'node:fs';
import { errnoOf, systemError } from '../errors.ts';
import { type FileStat, fstat } from './stat.ts';

/** A file's bytes and metadata, read through one descriptor so that they belong together. */
export interface RegularFile {
  readonly stat: FileStat;
  readonly content: Buffer;
}

/** The errors of open for a missing file, a symlink, a socket, and a device without a driver. */
const notRegular: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENODEV']);

/**
 * Reads a regular file.
 * @param take gives the memory for its bytes
 * @returns undefined if there is no regular file of that name
 * @throws the system's error for any other reason
 */
export function readRegular(
  path: string,
  take: (sizeBytes: number) => Buffer = Buffer.allocUnsafe,
): RegularFile | undefined {
  return withRegular(path, (descriptor, stat) => ({ stat, content: readContent(descriptor, stat.sizeBytes, take) }));
}

/**
 * Opens a regular file for reading while `use` works. Does not follow a symlink and does not wait at a fifo.
 * @returns undefined if there is no regular file of that name
 * @throws the system's error for any other reason
 */
export function withRegular<T>(path: string | Buffer, use: (descriptor: number, stat: FileStat) => T): T | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (notRegular.has(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
  try {
    const stat = fstat(descriptor);
    return stat.kind === 'file' ? use(descriptor, stat) : undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** Memory for the bytes of a file that is not larger than this. @param take gives it @returns it throws EFBIG */
export function atMost(maxBytes: number, take: (sizeBytes: number) => Buffer = Buffer.allocUnsafe) {
  return (sizeBytes: number): Buffer => {
    if (sizeBytes <= maxBytes) return take(sizeBytes);
    throw systemError('EFBIG', 'file too large');
  };
}

/** Linux reads no more at a time, and Node.js has no larger buffers in all its releases. */
const maxReadBytes = 0x7fff_f000;

/**
 * Reads as much as a file was said to have; what it returns is shorter if the file is.
 * @param take gives the memory for its bytes
 * @throws the system's error, EFBIG if the file has 2 GiB or more, and ENOMEM if there is no memory for it
 */
export function readContent(
  descriptor: number,
  sizeBytes: number,
  take: (sizeBytes: number) => Buffer = Buffer.allocUnsafe,
): Buffer {
  if (sizeBytes > maxReadBytes) throw systemError('EFBIG', 'file too large');
  const memory = taken(sizeBytes, take);
  for (let read = 0; read < memory.length; ) {
    const more = readSync(descriptor, memory, read, memory.length - read, null);
    if (more === 0) return memory.subarray(0, read);
    read += more;
  }
  return memory;
}

function taken(sizeBytes: number, take: (sizeBytes: number) => Buffer): Buffer {
  try {
    return take(sizeBytes);
  } catch (error) {
    // V8 throws it where malloc(3) fails.
    if (!(error instanceof RangeError)) throw error;
    throw systemError('ENOMEM', 'not enough memory');
  }
}
