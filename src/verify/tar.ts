import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { normalise, type PayloadPath } from '../buildroot/path.ts';
import { maxHeaderBytes, type PycHeader, parsePycHeader } from '../bytecode/pyc-header.ts';
import { sourceHash } from '../bytecode/source-hash.ts';
import type { Wanted } from './payload.ts';

/** What a tar says of one name. */
export interface TarEntry {
  readonly path: PayloadPath;
  /** Of a hard link: the name that has the bytes. */
  readonly linkTo?: PayloadPath;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly owner: string;
  readonly mtimeSeconds: number;
  /** Of a pyc. */
  readonly sha256?: string;
  readonly header?: PycHeader | { readonly unreadable: string };
  /** Of a source that is wanted. */
  readonly sourceHashes?: ReadonlyMap<number, string>;
}

/**
 * Reads the regular files and hard links of a tar as a stream; nothing is unpacked. Of the contents only pycs are read,
 * and wanted sources where their hash is needed.
 * @throws the stream's error, or tar-stream's if it is no tar
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
  if (header.type !== 'file' && header.type !== 'link') return undefined;
  const path = asPayload(header.name);
  const entry: TarEntry = {
    path,
    sizeBytes: header.size ?? 0,
    mode: (header.mode ?? 0) & 0o7777,
    owner: `${header.uname || header.uid}:${header.gname || header.gid}`,
    mtimeSeconds: Math.trunc((header.mtime?.getTime() ?? 0) / 1000),
  };
  if (header.type === 'link') return { ...entry, linkTo: asPayload(header.linkname ?? '') };
  if (/\.py[co]$/.test(path)) return { ...entry, ...(await readPyc(source)) };
  if (!wanted.sources.has(path) || wanted.hashMagicNumbers.length === 0) return entry;
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  const text = Buffer.concat(chunks);
  const sourceHashes = new Map(wanted.hashMagicNumbers.map((number) => [number, sourceHash(number, text)]));
  return { ...entry, sourceHashes };
}

async function readPyc(source: Member): Promise<Required<Pick<TarEntry, 'sha256' | 'header'>>> {
  const hash = createHash('sha256');
  let start = Buffer.alloc(0);
  for await (const chunk of source) {
    hash.update(chunk);
    if (start.length < maxHeaderBytes) start = Buffer.concat([start, chunk.subarray(0, maxHeaderBytes)]);
  }
  return { sha256: hash.digest('hex'), header: parsePycHeader(start) };
}

/** Names in archives begin with `./`, with `/` or with neither. */
function asPayload(name: string): PayloadPath {
  return normalise(name) as PayloadPath;
}
