import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { type PayloadPath, plainPath } from '../files/path.ts';
import { Budget, type ReadLimits } from './budget.ts';
import { type Contents, contentsOf, type PayloadEntry, type Search } from './entry.ts';
import { formatOf, readStart } from './format.ts';
import { openTar, unpacked } from './open-tar.ts';
import { entriesOf, readTar, searchForUnread, type TarSource } from './tar.ts';
import { membersOf } from './tar-members.ts';

/**
 * Searches a Debian package or a tar, compressed or not. Packages of Arch and Alpine are such tars; packages of OpenWrt
 * and Gentoo contain one. Unpacks nothing to disk.
 * @throws as readTar, and if the tar has no members
 */
export async function searchArchive(file: string, search: Search, limits: ReadLimits): Promise<Contents> {
  const nesting = await nestingOf(file, limits);
  const open = async () =>
    nesting === undefined ? openTar(file) : unpacked(innerTar(file, nesting, new Budget(file, limits)));
  const root = nesting?.root ?? ('/' as PayloadPath);
  const source = { container: basename(file), prefix: `${file}\0`, root };
  return contentsOf(await searchTar(open, source, search, () => new Budget(file, limits)));
}

/**
 * Searches a tar, in two passes if its hard links need it.
 * @param open starts a pass
 * @throws as readTar, and if the tar has no members
 */
export async function searchTar(
  open: () => Promise<Readable>,
  source: TarSource,
  search: Search,
  budget: () => Budget,
): Promise<PayloadEntry[]> {
  const { names, unread, count } = await readTar(await open(), search, source, budget());
  if (count === 0) throw new Error('it contains no files');
  const marker = names.get('/oci-layout' as PayloadPath);
  const isImage = marker !== undefined && marker.entry?.type !== 'directory';
  if (isImage) throw new Error('it is an image with files that belong to no image');
  if (unread.size > 0) await readTar(await open(), searchForUnread(unread), source, budget());
  return entriesOf({ names });
}

/** A package format: a tar that contains another tar. */
interface Nesting {
  /** Matches the name of the first file. */
  readonly first: RegExp;
  /** Matches the name of the tar with the files. */
  readonly inner: RegExp;
  /** Matches the other names. */
  readonly others: RegExp;
  /** The directory of the inner tar that is unpacked to `/`. */
  readonly root: PayloadPath;
}

/** @see opkg's libopkg/pkg_extract.c, and GLEP 78 of Gentoo */
const nestings: readonly Nesting[] = [
  {
    first: /^\/debian-binary$/,
    inner: /^\/data\.tar(?:\.\w+)?$/,
    others: /^\/(?:$|debian-binary$|control\.tar|_)/,
    root: '/' as PayloadPath,
  },
  {
    first: /^\/[^/]+\/gpkg-1$/,
    inner: /^\/[^/]+\/image\.tar(?:\.(?!sig$)\w+)?$/,
    others: /^\/(?:[^/]+(?:\/(?:gpkg-1|Manifest|metadata\.tar[^/]*|[^/]*\.sig))?)?$/,
    root: '/image' as PayloadPath,
  },
];

/** @throws if it contains other files */
async function nestingOf(file: string, limits: ReadLimits): Promise<Nesting | undefined> {
  // dpkg-deb outputs the files of the package.
  if (formatOf(readStart(file)) === 'ar') return undefined;
  let nesting: Nesting | undefined;
  let inners = 0;
  for await (const { header, name } of membersOf(openTar(file), new Budget(file, limits))) {
    const path = plainPath(name);
    if (header.type === 'file') nesting ??= nestings.find(({ first }) => first.test(path));
    if (nesting === undefined && header.type === 'file') return undefined;
    if (nesting === undefined) continue;
    const isInner = nesting.inner.test(path);
    if (isInner) inners += 1;
    if (inners > 1 || !(isInner || nesting.others.test(path)))
      throw new Error(`it is a package with an extra file, so programs interpret it differently: ${path}`);
  }
  return nesting;
}

async function* innerTar(file: string, { inner }: Nesting, budget: Budget): AsyncGenerator<Buffer> {
  for await (const member of membersOf(openTar(file), budget)) {
    if (!inner.test(plainPath(member.name))) continue;
    yield* member.content;
    return;
  }
  throw new Error('it has no archive with the files');
}
