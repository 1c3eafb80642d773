import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { execa } from 'execa';
import { errnoOf, messageOf, PyclinkError } from '../errors.ts';

/** A tar stream, and how the program that writes it ended, if there is one. */
export interface TarSource {
  readonly stream: Readable;
  /** Why the program failed; undefined if it did not. */
  readonly failure: () => Promise<string | undefined>;
}

/**
 * Opens a tar, which may be compressed with gzip, xz or zstd, or the tar in a Debian package.
 * @throws PyclinkError `tool-failed` if the file cannot be opened
 */
export function openTar(file: string): TarSource {
  const start = readStart(file);
  if (start.toString('latin1').startsWith('!<arch>\n')) return program('dpkg-deb', ['--fsys-tarfile', file]);
  if (start.readUInt32BE(0) === 0xfd377a58) return program('xz', ['--decompress', '--stdout', '--', file]);
  if (isZstd(start)) return program('zstd', ['--decompress', '--stdout', '--quiet', '--', file]);
  const plain = createReadStream(file);
  if (!isGzip(start)) return { stream: plain, failure: async () => undefined };
  const gunzip = createGunzip();
  plain.once('error', (error) => gunzip.destroy(error));
  return { stream: plain.pipe(gunzip), failure: async () => undefined };
}

/** Whether bytes begin as gzip's format does. @see RFC 1952 */
export function isGzip(start: Buffer): boolean {
  return start.length >= 2 && start.readUInt16BE(0) === 0x1f8b;
}

/** Whether bytes begin as zstd's format does. @see RFC 8878 */
export function isZstd(start: Buffer): boolean {
  return start.length >= 4 && start.readUInt32LE(0) === 0xfd2fb528;
}

function program(command: string, args: readonly string[]): TarSource {
  const child = execa(command, args, { buffer: { stdout: false }, reject: false, stdin: 'ignore' });
  return {
    stream: child.stdout,
    failure: async () => {
      const { failed, stderr, shortMessage } = await child;
      return failed ? stderr.trim().split('\n').at(-1) || shortMessage : undefined;
    },
  };
}

/** The first bytes of a file, which identify its format. @see deb(5), and the formats of gzip, xz and zstd */
function readStart(file: string): Buffer {
  const start = Buffer.alloc(8);
  try {
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, start, 0, start.length, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw unreadable(file, errnoOf(error) ?? messageOf(error), error);
  }
  return start;
}

/** The error for a file that is not what it should be. */
export function unreadable(file: string, reason: string, cause?: unknown): PyclinkError {
  const hint = 'is it a package or a tar, and is the program that opens it installed?';
  return new PyclinkError('tool-failed', `cannot be read: ${reason}`, { path: file, hint, cause });
}
