import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { messageOf, PyclinkError } from '../errors.ts';
import type { Budget } from './budget.ts';
import type { Search } from './entry.ts';
import { unpacked } from './open-tar.ts';
import { blockBytes } from './sparse.ts';
import { readTar, type TarContents } from './tar.ts';

/** What is known about a layer before it is read. */
export interface LayerPlace {
  /** The name of its file in the image. */
  readonly name: string;
  /** `layer 2 of 3 (sha256:0123456789ab)` */
  readonly label: string;
  /** The digest of the file, or of the uncompressed tar. */
  readonly digest: { readonly of: 'file' | 'tar'; readonly sha256: string } | undefined;
}

/**
 * Reads a layer: a tar, uncompressed or compressed with gzip, bzip2, xz or zstd.
 * @param image as the user gave it
 * @throws PyclinkError `tool-failed` if it is damaged or does not match its digest
 */
export async function readLayer(
  { name, label, digest }: LayerPlace,
  file: AsyncIterable<Buffer>,
  image: string,
  search: Search,
  budget: Budget,
): Promise<TarContents> {
  const unusable = (reason: string, cause?: unknown) =>
    new PyclinkError('tool-failed', `${label} ${reason}`, { path: image, cause });
  const hash = createHash('sha256');
  const bytes = hashed(file, digest?.of === 'file' ? hash : undefined);
  let contents: TarContents;
  try {
    const tar = hashed(await unpacked(bytes), digest?.of === 'tar' ? hash : undefined);
    const whole = Readable.from(digest === undefined ? tar : padded(tar));
    const source = { container: image, layer: label, prefix: `${image}\0${name}\0` };
    contents = await readTar(whole, search, source, budget);
    for await (const _ of bytes);
  } catch (error) {
    if (error instanceof PyclinkError) throw error;
    throw unusable(`cannot be read: ${messageOf(error)}`, error);
  }
  if (digest !== undefined && hash.digest('hex') !== digest.sha256) throw unusable('does not match its digest');
  return contents;
}

async function* hashed(source: AsyncIterable<Buffer>, hash: Hash | undefined): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    hash?.update(chunk);
    yield chunk;
  }
}

/**
 * Pads the last block of a tar with zeros. umoci 0.4 does not write the padding, and other tools accept that. The
 * digest detects a truncated layer.
 */
async function* padded(tar: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let sizeBytes = 0;
  for await (const chunk of tar) {
    sizeBytes += chunk.length;
    yield chunk;
  }
  yield Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
}
