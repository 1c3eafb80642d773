import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { messageOf, PyclinkError } from '../errors.ts';
import { Budget, type ReadLimits } from './budget.ts';
import type { Contents, Search } from './entry.ts';
import { damaged, type ImageTarget, type LayerPlace, layersOf } from './image-layers.ts';
import { unpacked } from './open-tar.ts';
import { overlay } from './overlay.ts';
import { blockBytes } from './sparse.ts';
import { readTar, searchForUnread, type TarContents } from './tar.ts';

/**
 * Searches a container image: reads its index, manifest and layers, and applies the layers in order. Checks digests.
 * Unpacks nothing to disk.
 * @throws PyclinkError `usage` if several images fit, `tool-failed` if the image is damaged
 */
export async function searchImage(target: ImageTarget, search: Search, limits: ReadLimits): Promise<Contents> {
  const places = layersOf(target);
  // A whiteout removes files of earlier layers.
  const layered: Search = { ...search, names: new RegExp(`${search.names.source}|^\\.wh\\.`) };
  const passes = await readLayers(target, places, layered, limits);
  const layers = places.map(({ label }, i) => ({ label, ...(passes[i] as TarContents) }));
  const { entries, linked, removedBy } = overlay(layers);
  const unread = new Map(passes.flatMap((pass) => [...pass.unread]));
  for (const entry of linked) {
    const take = search.visit(entry);
    if (take !== undefined) unread.set(entry.file, take);
  }
  if (unread.size > 0) await readLayers(target, places, searchForUnread(unread), limits);
  return { entries, removedBy, unreadable: [] };
}

/** Reads the layers, each once. */
async function readLayers(
  target: ImageTarget,
  places: readonly LayerPlace[],
  search: Search,
  limits: ReadLimits,
): Promise<TarContents[]> {
  const budget = new Budget(target.path, limits);
  const passes = new Map<string, TarContents>();
  for await (const { names, content } of target.files.each(new Set(places.map(({ name }) => name)))) {
    const place = places.find(({ name }) => names.includes(name));
    if (place === undefined) continue;
    const pass = await readLayer(place, content, target.path, search, budget);
    for (const name of names) passes.set(name, pass);
  }
  return places.map(({ name, label }) => {
    const pass = passes.get(name);
    if (pass === undefined) throw damaged(target, `${label} is missing`);
    return pass;
  });
}

/**
 * Reads a layer: a tar, uncompressed or compressed with gzip, bzip2, xz or zstd.
 * @param image as the user gave it
 * @throws PyclinkError `tool-failed` if it is damaged or does not match its digest
 */
async function readLayer(
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
