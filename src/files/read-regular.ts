import { closeSync, constants, openSync, readSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
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
  return withRegular(path, (descriptor, stat) => ({ stat, content: readAll(descriptor, take(stat.sizeBytes)) }));
}

/**
 * Opens a regular file for reading while `use` works. Does not follow a symlink and does not wait at a fifo.
 * @returns undefined if there is no regular file of that name
 * @throws the system's error for any other reason
 */
export function withRegular<T>(path: string, use: (descriptor: number, stat: FileStat) => T): T | undefined {
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
    throw Object.assign(new Error(`EFBIG: a file of ${sizeBytes} bytes, read`), { code: 'EFBIG' });
  };
}

/** Reads as much as there is memory for; what it returns is shorter if the file is. */
export function readAll(descriptor: number, memory: Buffer): Buffer {
  for (let read = 0; read < memory.length; ) {
    const more = readSync(descriptor, memory, read, memory.length - read, null);
    if (more === 0) return memory.subarray(0, read);
    read += more;
  }
  return memory;
}
