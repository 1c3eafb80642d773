import { Readable } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { normalise, type PayloadPath } from '../files/path.ts';
import type { Budget } from './budget.ts';
import { isWanted, type PycContent, type Wanted } from './entry.ts';
import { factsOfContent } from './pyc-content.ts';

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
 * Reads the regular files, hard links and symlinks of a tar from a stream. Of the contents it reads only pycs, sources
 * whose hash is needed, and what `wanted.contents` names.
 * @throws the stream's error, tar-stream's if it is not a tar, or PyclinkError if it is too large
 */
export async function readTar(
  stream: Readable,
  wanted: Wanted,
  budget: Budget,
): Promise<ReadonlyMap<PayloadPath, TarEntry>> {
  const entries = new Map<PayloadPath, TarEntry>();
  for await (const member of membersOf(stream, budget)) {
    const read = await readEntry(member, wanted);
    if (read === undefined) continue;
    // A hard link may name another one.
    const linkTo = read.linkTo && (entries.get(read.linkTo)?.linkTo ?? read.linkTo);
    entries.set(read.path, linkTo === undefined ? read : { ...read, linkTo });
  }
  return entries;
}

/** The members of a tar, one at a time. What is not read of one is passed over. @throws as readTar */
export async function* membersOf(stream: Readable, budget: Budget): AsyncGenerator<Member> {
  const tar = extract();
  const content = Readable.from(budget.counted(stream));
  content.once('error', (error) => tar.destroy(error));
  try {
    for await (const member of content.pipe(tar) as AsyncIterable<Member>) {
      budget.countEntry();
      yield member;
      member.resume();
    }
  } finally {
    stream.destroy();
  }
}

/** A member of a tar, with its content. */
export interface Member extends AsyncIterable<Buffer> {
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
  const facts = factsOfContent(path, wanted);
  return facts === undefined ? entry : { ...entry, ...facts(await contentOf(source)) };
}

/**
 * Files that wanted names are hard links to, and whose contents were not read, because their own names are not those of
 * pycs: as in an ostree repository. The tar has to be read again, with these as `wanted.contents`.
 */
export function contentless(entries: ReadonlyMap<PayloadPath, TarEntry>, wanted: Wanted): Set<PayloadPath> {
  const targets = new Set<PayloadPath>();
  for (const { path, linkTo } of entries.values()) {
    if (linkTo === undefined || !isWanted(path, wanted)) continue;
    const target = entries.get(linkTo);
    const isSource = path.endsWith('.py');
    const isRead = isSource ? wanted.hashMagicNumbers.length === 0 || target?.sourceHashes : target?.sha256;
    if (target === undefined || !isRead) targets.add(linkTo);
  }
  return targets;
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
