import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type Format, formatOf, readStart } from './format.ts';
import { outputOf } from './program.ts';

/**
 * Opens a tar, which may be compressed with gzip, bzip2, xz or zstd, or the tar in a Debian package. The stream ends
 * with an error if the unpacking program fails.
 * @throws PyclinkError `tool-failed` if the file cannot be opened
 */
export function openTar(file: string): Readable {
  const start = readStart(file);
  if (formatOf(start) === 'ar') return outputOf('dpkg-deb', ['--fsys-tarfile', resolve(file)]);
  return decompressed(createReadStream(file), start);
}

/** Unpacks bytes that may be compressed with gzip, bzip2, xz or zstd. Does not end `bytes` early. */
export async function unpacked(bytes: AsyncIterator<Buffer>): Promise<Readable> {
  const first = await bytes.next();
  const start = first.done === true ? Buffer.alloc(0) : first.value;
  return decompressed(Readable.from(startingWith(start, bytes)), start);
}

async function* startingWith(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield start;
  // Not `yield*`, which would end `rest` early: the digest needs all of it.
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** Programs that decompress standard input to standard output. */
const programs: ReadonlyMap<Format | undefined, readonly [string, ...string[]]> = new Map([
  ['bzip2', ['bzip2', '--decompress', '--stdout', '--quiet']],
  ['xz', ['xz', '--decompress', '--stdout']],
  ['zstd', ['zstd', '--decompress', '--stdout', '--quiet']],
]);

/** @param start its first bytes */
function decompressed(stream: Readable, start: Buffer): Readable {
  const format = formatOf(start);
  if (format === 'gzip') return pipeline(stream, createGunzip(), () => undefined);
  const [command, ...args] = programs.get(format) ?? [];
  return command === undefined ? stream : outputOf(command, args, stream);
}
