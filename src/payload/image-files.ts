import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Buildroot } from '../buildroot/path.ts';
import { toStaged } from '../buildroot/path.ts';
import { resolveInBuildroot } from '../buildroot/resolve.ts';
import { messageOf, PyclinkError } from '../errors.ts';
import { plainPath, type StagedPath } from '../files/path.ts';
import { readRegular } from '../files/read-regular.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { Budget } from './budget.ts';
import { unreadable } from './format.ts';
import { dockerSchema } from './image-manifest.ts';
import { openTar } from './open-tar.ts';
import { membersOf } from './tar-members.ts';

/** The files of an image: an OCI layout in a directory or a tar, or the output of `docker save`. */
export interface ImageFiles {
  /** Reads a small JSON file. Undefined if there is none of this name. */
  read(name: string): Buffer | undefined;
  /** Reads these files in any order. Names of the same file come together. Missing files are left out. */
  each(names: ReadonlySet<string>, read: ReadFile): Promise<void>;
}

type ReadFile = (names: readonly string[], content: AsyncIterable<Buffer>) => Promise<void>;

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
    each: async (names, read) => {
      for (const name of names) {
        const path = find(name);
        if (path !== undefined) await read([name], createReadStream(path));
      }
    },
  };
}

/**
 * Opens an image in a tar. Reads the tar from start to end now, and again for each call of `each`, because its files
 * may be in any order.
 * @returns undefined if the tar is not an image
 * @throws PyclinkError `tool-failed`
 */
export async function filesOfTar(file: string, budget: () => Budget): Promise<ImageFiles | undefined> {
  const small = new Map<string, Buffer>();
  const symlinks = new Map<string, string>();
  let total = 0;
  const others: string[] = [];
  let isImage: boolean | undefined;
  await eachMember(file, budget(), async (name, type, linkName, sizeBytes, content) => {
    const isOther = name !== '/' && !nameInImage.test(name);
    if (name !== '/') isImage ??= !isOther;
    if (isImage === false) return false;
    if (isOther && type !== 'directory') others.push(name);
    if (type === 'symlink') symlinks.set(name, plainPath(join(name, '..', linkName)));
    if (type !== 'file' || sizeBytes > maxJsonBytes || total + sizeBytes > maxJsonBytesInAll) return true;
    const chunks: Buffer[] = [];
    for await (const chunk of content) {
      if (chunks.length === 0 && !/^\s*[[{]/.test(chunk.toString('latin1', 0, 8))) return true;
      chunks.push(chunk);
    }
    small.set(name, Buffer.concat(chunks));
    total += sizeBytes;
    return true;
  });
  const isDocker = /^\s*\[/.test(small.get('/manifest.json')?.toString('latin1', 0, 8) ?? '');
  if (!small.has('/oci-layout') && !isDocker) return undefined;
  const named = others.length === 0 ? [] : namesIn(small.get('/manifest.json'));
  const other = others.find((name) => !named.includes(name));
  if (other !== undefined) throw unreadable(file, `it is an image with files that belong to no image: ${other}`);
  const placeOf = (name: string) => symlinks.get(plainPath(name)) ?? plainPath(name);
  return {
    read: (name) => small.get(placeOf(name)),
    each: async (names, read) => {
      const wanted = new Map<string, string[]>();
      for (const name of names) getOrAdd(wanted, placeOf(name), () => []).push(name);
      await eachMember(file, budget(), async (path, type, _, __, content) => {
        const asked = wanted.get(path);
        if (type !== 'file' || asked === undefined) return true;
        await read(asked, content);
        wanted.delete(path);
        return wanted.size > 0;
      });
    },
  };
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

type VisitMember = (
  name: string,
  type: string,
  linkName: string,
  sizeBytes: number,
  content: AsyncIterable<Buffer>,
) => Promise<boolean>;

/** Visits the members of a tar until a visit returns false. @throws PyclinkError `tool-failed` */
async function eachMember(file: string, budget: Budget, visit: VisitMember): Promise<void> {
  try {
    for await (const member of membersOf(openTar(file), budget)) {
      const { header, name, linkName, sizeBytes, content } = member;
      const goesOn = await visit(plainPath(name), header.type ?? 'file', linkName, sizeBytes, content);
      if (!goesOn) return;
    }
  } catch (error) {
    throw error instanceof PyclinkError ? error : unreadable(file, messageOf(error), error);
  }
}
