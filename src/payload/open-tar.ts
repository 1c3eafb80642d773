import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { execa } from 'execa';
import { errnoOf, messageOf, PyclinkError } from '../errors.ts';
import { exitSignal } from '../exit-signal.ts';

/**
 * Opens a tar, which may be compressed with gzip, xz or zstd, or the tar in a Debian package. The stream ends with an
 * error if the program that unpacks it fails.
 * @throws PyclinkError `tool-failed` if the file cannot be opened
 */
export function openTar(file: string): Readable {
  const start = readStart(file);
  const unpacked = (command: string, ...args: readonly string[]) => Readable.from(outputOf(command, args));
  if (start.toString('latin1').startsWith('!<arch>\n')) return unpacked('dpkg-deb', '--fsys-tarfile', file);
  if (start.readUInt32BE(0) === 0xfd377a58) return unpacked('xz', '--decompress', '--stdout', '--', file);
  if (isZstd(start)) return unpacked('zstd', '--decompress', '--stdout', '--quiet', '--', file);
  const plain = createReadStream(file);
  return isGzip(start) ? gunzipped(plain) : plain;
}

/**
 * What is in a stream that may be compressed with gzip or zstd.
 * @param start its first bytes
 */
export function decompressed(stream: Readable, start: Buffer): Readable {
  if (isGzip(start)) return gunzipped(stream);
  return isZstd(start) ? Readable.from(outputOf('zstd', ['--decompress', '--stdout', '--quiet'], stream)) : stream;
}

/** @see RFC 1952 */
function isGzip(start: Buffer): boolean {
  return start.length >= 2 && start.readUInt16BE(0) === 0x1f8b;
}

/** @see RFC 8878 */
function isZstd(start: Buffer): boolean {
  return start.length >= 4 && start.readUInt32LE(0) === 0xfd2fb528;
}

function gunzipped(stream: Readable): Readable {
  const gunzip = createGunzip();
  stream.once('error', (error) => gunzip.destroy(error));
  return stream.pipe(gunzip);
}

/** What a program writes to its standard output. @throws with the last line of its standard error, if it fails */
async function* outputOf(command: string, args: readonly string[], input?: Readable): AsyncGenerator<Buffer> {
  const source = input === undefined ? ({ stdin: 'ignore' } as const) : { input };
  exitSignal();
  const child = execa(command, args, { ...source, buffer: { stdout: false }, reject: false });
  for await (const chunk of child.stdout) yield chunk as Buffer;
  const { failed, stderr, shortMessage } = await child;
  if (failed) throw new Error(stderr.trim().split('\n').at(-1) || shortMessage);
}

/** The first bytes of a file, which identify its format. @see deb(5), and the formats of gzip, xz and zstd */
export function readStart(file: string): Buffer {
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
