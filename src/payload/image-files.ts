import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Header } from 'tar-stream';
import type { Buildroot } from '../buildroot/path.ts';
import { toStaged } from '../buildroot/path.ts';
import { resolveInBuildroot } from '../buildroot/resolve.ts';
import { plainPath, type StagedPath } from '../files/path.ts';
import { readRegular } from '../files/read-regular.ts';
import { groupBy } from '../get-or-add.ts';
import type { Budget } from './budget.ts';
import { dockerSchema } from './image-manifest.ts';
import { openTar } from './open-tar.ts';
import { membersOf } from './tar-members.ts';

/** The files of an image: an OCI layout in a directory or a tar, or the output of `docker save`. */
export interface ImageFiles {
  /** Reads a small JSON file. Undefined if there is none of this name. */
  read(name: string): Buffer | undefined;
  /** Reads these files in any order. Names of the same file come together. Missing files are left out. */
  each(names: ReadonlySet<string>): AsyncIterable<ImageFile>;
}

/** A file of an image under all requested names. Its bytes must be read before the next file is. */
interface ImageFile {
  readonly names: readonly string[];
  readonly content: AsyncIterable<Buffer>;
}

/** Larger files are not JSON of an image. */
const maxJsonBytes = 4 * 2 ** 20;
const maxJsonBytesInAll = 64 * 2 ** 20;

/** Opens an image in a directory. A symlink in it may point to a file of the same directory. */
export function filesOfDirectory(directory: Buildroot): ImageFiles {
  const find = (name: string): StagedPath | undefined => {
    const place = resolveInBuildroot(directory, toStaged(directory, name));
    return place.kind === 'inside' && place.physical ? place.path : undefined;
  };
  return {
    read: (name) => {
      const path = find(name);
      const take = (sizeBytes: number) => Buffer.alloc(Math.min(sizeBytes, maxJsonBytes));
      return path === undefined ? undefined : readRegular(path, take)?.content;
    },
    async *each(names) {
      for (const name of names) {
        const path = find(name);
        if (path !== undefined) yield { names: [name], content: createReadStream(path) };
      }
    },
  };
}

/**
 * Opens an image in a tar. Reads the tar from start to end now, and again for each call of `each`, because its files
 * may be in any order.
 * @returns undefined if the tar is not an image
 * @throws if it cannot be read, or contains files that belong to no image
 */
export async function filesOfTar(file: string, budget: () => Budget): Promise<ImageFiles | undefined> {
  const small = new Map<string, Buffer>();
  const symlinks = new Map<string, string>();
  const others: string[] = [];
  let total = 0;
  let isImage: boolean | undefined;
  for await (const { header, name: given, linkName, sizeBytes, content } of membersOf(openTar(file), budget())) {
    const name = plainPath(given);
    if (name === '/') continue;
    const isOther = !nameInImage.test(name);
    isImage ??= !isOther;
    if (!isImage) return undefined;
    if (isOther && header.type !== 'directory') others.push(name);
    if (header.type === 'symlink') symlinks.set(name, plainPath(join(name, '..', linkName)));
    if (!isFile(header) || sizeBytes > maxJsonBytes || total + sizeBytes > maxJsonBytesInAll) continue;
    const json = await jsonIn(content);
    if (json === undefined) continue;
    small.set(name, json);
    total += sizeBytes;
  }
  const isDocker = /^\s*\[/.test(small.get('/manifest.json')?.toString('latin1', 0, 8) ?? '');
  if (!small.has('/oci-layout') && !isDocker) return undefined;
  const named = others.length === 0 ? [] : namesIn(small.get('/manifest.json'));
  const other = others.find((name) => !named.includes(name));
  if (other !== undefined) throw new Error(`it is an image with files that belong to no image: ${other}`);
  const placeOf = (name: string) => symlinks.get(plainPath(name)) ?? plainPath(name);
  return {
    read: (name) => small.get(placeOf(name)),
    async *each(names) {
      const wanted = groupBy(names, placeOf);
      for await (const { header, name, content } of membersOf(openTar(file), budget())) {
        const asked = isFile(header) ? wanted.get(plainPath(name)) : undefined;
        if (asked === undefined) continue;
        yield { names: asked, content };
        wanted.delete(plainPath(name));
        if (wanted.size === 0) return;
      }
    },
  };
}

/** The bytes of a file; undefined if it does not begin like JSON. */
async function jsonIn(content: AsyncIterable<Buffer>): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) {
    if (chunks.length === 0 && !/^\s*[[{]/.test(chunk.toString('latin1', 0, 8))) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Types unknown to tar-stream are unpacked as files. */
function isFile({ type }: Header): boolean {
  return (type ?? 'file') === 'file';
}

/** The files that the `manifest.json` of `docker save` lists. Some tools use their own names. */
function namesIn(manifest: Buffer | undefined): string[] {
  try {
    const images = dockerSchema.parse(JSON.parse(`${manifest}`));
    return images.flatMap(({ Config, Layers }) => [Config, ...Layers]).map(plainPath);
  } catch {
    return [];
  }
}

/** Top-level names in the tar of an image. A payload has other names. */
const nameInImage =
  /^\/(?:blobs(?:\/.*)?|oci-layout|index\.json|manifest\.json|repositories|[0-9a-f]{64}(?:\/.*|\.json|\.tar)?)$/;
