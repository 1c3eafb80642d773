import { closeSync, constants, openSync, readSync } from 'node:fs';
import { errnoOf, systemError } from '../errors.ts';
import { type FileStat, fstat } from './stat.ts';

/** The bytes and metadata of a file, read through one descriptor so that they are consistent. */
export interface RegularFile {
  readonly stat: FileStat;
  readonly content: Buffer;
}

/** The errors that open(2) gives for a missing file, a symlink, a socket, or a device without a driver. */
const notRegular: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENODEV']);

/**
 * Reads a regular file.
 * @param take allocates the memory for its bytes
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
 * Opens a regular file for reading while `use` works. Does not follow a symlink, and does not block on a fifo.
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

/** Limits `take`. @param take allocates the memory @returns an allocator that throws EFBIG for larger files */
export function atMost(maxBytes: number, take: (sizeBytes: number) => Buffer = Buffer.allocUnsafe) {
  return (sizeBytes: number): Buffer => {
    if (sizeBytes <= maxBytes) return take(sizeBytes);
    throw systemError('EFBIG', 'file too large');
  };
}

/** The most that Linux reads at once. Some Node.js releases have no larger buffers. */
const maxReadBytes = 0x7fff_f000;

/**
 * Reads a file of this size. The result is shorter if the file is.
 * @param take allocates the memory for its bytes
 * @throws the system's error; EFBIG if the file has 2 GiB or more; ENOMEM if memory runs out
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
    // V8 throws this if malloc(3) fails.
    if (!(error instanceof RangeError)) throw error;
    throw systemError('ENOMEM', 'not enough memory');
  }
}
