import type { Readable } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { normalise, type PayloadPath } from '../files/path.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import type { PycContent, Wanted } from './entry.ts';
import { pycContentOf } from './pyc-content.ts';

/** A name in a tar. */
export interface TarEntry extends Partial<PycContent> {
  readonly path: PayloadPath;
  /** For a hard link: the name that has the content. */
  readonly linkTo?: PayloadPath;
  readonly isSymlink?: true;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly owner: string;
  readonly mtimeSeconds: number;
  /** For sources that are wanted. */
  readonly sourceHashes?: ReadonlyMap<number, string>;
}

/**
 * Reads the regular files, hard links and symlinks of a tar from a stream. Of the contents it reads only pycs, and
 * sources whose hash is needed.
 * @throws the stream's error, or tar-stream's if it is not a tar
 */
export async function readTar(stream: Readable, wanted: Wanted): Promise<ReadonlyMap<PayloadPath, TarEntry>> {
  const entries = new Map<PayloadPath, TarEntry>();
  const tar = extract();
  stream.once('error', (error) => tar.destroy(error));
  for await (const entry of stream.pipe(tar) as AsyncIterable<Member>) {
    const read = await readEntry(entry, wanted);
    if (read !== undefined) entries.set(read.path, read);
    entry.resume();
  }
  return entries;
}

interface Member extends AsyncIterable<Buffer> {
  readonly header: Header;
  resume(): void;
}

async function readEntry(source: Member, wanted: Wanted): Promise<TarEntry | undefined> {
  const { header } = source;
  if (header.type !== 'file' && header.type !== 'link' && header.type !== 'symlink') return undefined;
  const path = asPayload(header.name);
  const entry: TarEntry = {
    path,
    sizeBytes: header.size ?? 0,
    mode: (header.mode ?? 0) & 0o7777,
    owner: `${header.uname || header.uid}:${header.gname || header.gid}`,
    mtimeSeconds: mtimeSecondsIn(header),
  };
  if (header.type === 'symlink') return { ...entry, isSymlink: true };
  if (header.type === 'link') return { ...entry, linkTo: asPayload(header.linkname ?? '') };
  if (/\.py[co]$/.test(path)) return { ...entry, ...pycContentOf(await contentOf(source)) };
  if (!wanted.sources.has(path) || wanted.hashMagicNumbers.length === 0) return entry;
  const text = await contentOf(source);
  const sourceHashes = new Map(wanted.hashMagicNumbers.map((number) => [number, sourceHash(number, text)]));
  return { ...entry, sourceHashes };
}

/**
 * The mtime that an unpacked file has, in whole seconds, as import reads it. The field of ustar may be rounded up; the
 * pax header has the fraction.
 * @see pax(1); TarInfo.create_pax_header in Lib/tarfile.py
 */
function mtimeSecondsIn({ pax, mtime }: Header): number {
  const exact = Number((pax as Readonly<Record<string, string>> | undefined)?.['mtime'] || Number.NaN);
  return Math.trunc(Number.isFinite(exact) ? exact : (mtime?.getTime() ?? 0) / 1000);
}

async function contentOf(source: Member): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Names in archives begin with `./`, with `/` or with neither. */
function asPayload(name: string): PayloadPath {
  return normalise(name) as PayloadPath;
}
