import type { Readable } from 'node:stream';
import type { Header } from 'tar-stream';
import type { PayloadPath } from '../files/path.ts';
import { type Budget, tooLarge } from './budget.ts';
import { type Content, listedBy, type PayloadEntry, type Search, type TakeContent } from './entry.ts';
import { withHoles } from './sparse.ts';
import { type Member, membersOf } from './tar-members.ts';
import { type TarName, TarNames } from './tar-names.ts';

/** The result of a pass over a tar. */
export interface TarContents {
  /** The number of members. */
  readonly count: number;
  /** Everything in it, including what is not listed. If a path occurs twice, the last one. */
  readonly names: ReadonlyMap<PayloadPath, TarName>;
  /** Files whose bytes are wanted but were not read, because only a later name in the tar wants them. */
  readonly unread: ReadonlyMap<string, TakeContent>;
}

/** The tar to read. */
export interface TarSource {
  readonly container: string;
  readonly layer?: string;
  /** The prefix of file identities. */
  readonly prefix: string;
  /** The directory that is the root of the payload. Everything outside is skipped. */
  readonly root?: PayloadPath;
}

/**
 * Reads a tar from a stream in one pass. The bytes of a file are in memory only while they are visited.
 * @throws the stream's error, tar-stream's if it is not a tar, or PyclinkError if it is too large
 */
export async function readTar(
  stream: Readable,
  search: Search,
  { container, layer, prefix, root = '/' as PayloadPath }: TarSource,
  budget: Budget,
): Promise<TarContents> {
  const isListed = listedBy(search);
  const names = new TarNames(root, layer !== undefined);
  const taken = new Set<string>();
  const unread = new Map<string, TakeContent>();
  let number = 0;
  for await (const member of membersOf(stream, budget)) {
    const { header, sizeBytes } = member;
    number += 1;
    const file = `${prefix}${number}`;
    const path = names.placeOf(member.name);
    const type = typeOf(header);
    if (path === undefined) continue;
    const linkTo = type === 'link' ? names.placeOf(member.linkName) : undefined;
    const linked = linkTo === undefined ? undefined : names.at(linkTo);
    const target = linked?.entry;
    if (type === undefined || (linked !== undefined && target === undefined)) {
      names.set(path, { entry: undefined, isListed: false });
      continue;
    }
    const entry: PayloadEntry =
      target !== undefined
        ? { ...target, path }
        : {
            path,
            type: type === 'link' ? 'file' : type,
            ...(type === 'symlink' ? { target: member.linkName } : {}),
            file,
            container,
            ...(layer === undefined ? {} : { layer }),
            sizeBytes,
            mode: (header.mode ?? 0) & 0o7777,
            owner: ownerIn(header, layer !== undefined),
            mtimeSeconds: mtimeSecondsIn(header),
          };
    const name = { entry, isListed: isListed(path, entry.type), linkTo: target === undefined ? linkTo : undefined };
    names.set(path, name);
    const isWanted = name.isListed && name.linkTo === undefined && entry.type === 'file' && !taken.has(entry.file);
    const take = isWanted ? search.visit(entry) : undefined;
    if (take === undefined) continue;
    if (target !== undefined) unread.set(entry.file, take);
    else {
      taken.add(entry.file);
      take(await contentOf(member, budget));
    }
  }
  return { count: number, names: names.byPath, unread };
}

/** The listed entries of a tar. */
export function entriesOf({ names }: Pick<TarContents, 'names'>): PayloadEntry[] {
  return Array.from(names.values()).flatMap(({ entry, isListed }) => (isListed && entry !== undefined ? entry : []));
}

/** A search for the bytes that a pass over the same tar left unread. */
export function searchForUnread(unread: ReadonlyMap<string, TakeContent>): Search {
  return { names: /^/, visit: ({ file }) => unread.get(file) };
}

/** The type of an entry. Types unknown to tar-stream are unpacked as files: sparse files and non-standard types. */
function typeOf({ type }: Header): PayloadEntry['type'] | 'link' | undefined {
  if (type === 'contiguous-file' || (type as unknown) === null) return 'file';
  return type === 'file' || type === 'link' || type === 'symlink' || type === 'directory' ? type : undefined;
}

/** The owner that the unpacked file gets: in an image the numbers decide, in a tar the names, if it has them. */
function ownerIn({ uname, gname, uid, gid }: Header, isOfImage: boolean): string {
  return isOfImage ? `${uid}:${gid}` : `${uname || uid}:${gname || gid}`;
}

/**
 * The mtime of the unpacked file in whole seconds, as import reads it. The ustar field may be rounded up; the pax
 * header has the fraction.
 * @see pax(1); TarInfo.create_pax_header in Lib/tarfile.py
 */
function mtimeSecondsIn({ pax, mtime }: Header): number {
  const exact = Number((pax as Readonly<Record<string, string>> | undefined)?.['mtime'] || Number.NaN);
  return Math.trunc(Number.isFinite(exact) ? exact : (mtime?.getTime() ?? 0) / 1000);
}

/** Reads the bytes of a member, unless it is too large. */
async function contentOf({ header, sizeBytes, sparse, content }: Member, budget: Budget): Promise<Content> {
  const storedBytes = header.size ?? 0;
  const refusal = tooLarge(Math.max(storedBytes, sizeBytes), budget.limits);
  if (refusal !== undefined) return refusal;
  const stored = Buffer.allocUnsafe(storedBytes);
  let read = 0;
  for await (const chunk of content) read += chunk.copy(stored, read);
  if (sparse === undefined) return stored.subarray(0, read);
  return withHoles(sparse, stored.subarray(0, read)) ?? { unread: 'is a sparse file with a damaged map' };
}
