import { resolve } from 'node:path';
import { installedAt, openTree } from '../buildroot/open.ts';
import { messageOf, PyclinkError } from '../errors.ts';
import type { PayloadPath } from '../files/path.ts';
import { searchArchive } from './archive.ts';
import { Budget, defaultReadLimits, type ReadLimits } from './budget.ts';
import { searchErofs, searchSquashfs } from './disk-image.ts';
import type { Contents, PayloadEntry, Search } from './entry.ts';
import { type Format, formatOf, readStart, unreadable } from './format.ts';
import { searchImage } from './image.ts';
import { filesOfDirectory, filesOfTar, type ImageFiles } from './image-files.ts';
import { type LocatedTarget, locateTarget } from './located-target.ts';
import { zipExtent } from './open-zip.ts';
import { packagesOf } from './packages.ts';
import { Payload } from './payload.ts';
import { searchRpm } from './rpm.ts';
import { systemAround } from './system-around.ts';
import { searchTree } from './tree.ts';
import { searchZip } from './zip.ts';

/** Options for reading targets. */
export interface ReadOptions {
  readonly limits?: ReadLimits;
  /** For images: `os/architecture`. */
  readonly platform?: string | undefined;
  /** Where each directory will be installed. */
  readonly prepend?: string | undefined;
  /** Directories lie where they will be used. */
  readonly isInPlace?: boolean;
  /** Without `prepend`, a directory may be part of a system. Paths then start at the root of that system. */
  readonly mayBePart?: boolean;
  /** Later mtimes in a directory will be set to this, as dpkg-deb does. */
  readonly latestMtimeSeconds?: number;
}

/** The content of a target. */
export interface TargetContents extends Contents {
  /** As the user gave it. */
  readonly target: string;
  /** A file system by itself, or one of the packages of a build. */
  readonly kind: 'tree' | 'image' | 'package';
}

/** Groups targets into payloads: the packages of a build together, each image by itself. */
export function together(contents: readonly TargetContents[]): readonly (readonly TargetContents[])[] {
  const packages = contents.filter(({ kind }) => kind !== 'image');
  const images = contents.filter(({ kind }) => kind === 'image').map((image) => [image]);
  return packages.length > 0 ? [packages, ...images] : images;
}

/**
 * Searches the targets: directories, packages, archives, and images, which may end with `:NAME`. A directory of
 * packages, or a `.changes` file, stands for its packages.
 * @throws PyclinkError `usage` for a target that is not there, or a directory among packages; `tool-failed`
 */
export async function searchTargets(
  given: readonly string[],
  search: Search,
  options: ReadOptions,
): Promise<TargetContents[]> {
  const targets = new Map(given.flatMap(packagesOf).map((target) => [resolve(target), target]));
  const places = Array.from(targets.values(), locateTarget);
  const directory = places.find(({ kind }) => kind === 'tree');
  if (directory === undefined && (options.prepend ?? '/') !== '/') {
    throw new PyclinkError('usage', '--prepend is for a directory; a package or an image has installed paths');
  }
  if (directory !== undefined && places.some(({ kind }) => kind !== 'tree')) {
    throw new PyclinkError('usage', 'only directories can be combined with a directory', { path: directory.path });
  }
  const searchAll = async (one: Search): Promise<TargetContents[]> => {
    const contents: TargetContents[] = [];
    for (const place of places) contents.push(await searchPlace(place, one, options));
    return contents;
  };
  const contents = await searchAll(search);
  const unlisted = directory === undefined ? unlistedTargets(contents) : new Map<PayloadPath, PayloadEntry>();
  if (unlisted.size === 0) return contents;
  const paths = new Set([...(search.paths ?? []), ...unlisted.keys()]);
  const visit: Search['visit'] = (entry) => {
    const symlink = unlisted.get(entry.path);
    return symlink && search.visit({ ...entry, path: symlink.path });
  };
  const again = await searchAll({ ...search, paths, visit });
  return again.map((one, i) => withUnreadable(one, contents[i]));
}

/** Adds the unreadable files of a second search of the same target to those of the first. */
export function withUnreadable(contents: TargetContents, other: TargetContents | undefined): TargetContents {
  const known = new Set(contents.unreadable.map(({ path }) => path));
  const more = other?.unreadable.filter(({ path }) => !known.has(path)) ?? [];
  return { ...contents, unreadable: [...contents.unreadable, ...more] };
}

/**
 * Finds files that sources and pycs are symlinks to, and their symlinks. No search lists such files, because their
 * names are not those of Python files. In a directory, symlinks were followed already.
 */
function unlistedTargets(contents: readonly TargetContents[]): Map<PayloadPath, PayloadEntry> {
  const unlisted = new Map<PayloadPath, PayloadEntry>();
  for (const parts of together(contents)) {
    const payload = new Payload(parts);
    for (const symlink of payload.all) {
      if (symlink.type !== 'symlink' || !isPythonFile(symlink.path)) continue;
      const end = payload.realPath(symlink.path);
      if (end !== undefined && !payload.entries.has(end) && !isPythonFile(end)) unlisted.set(end, symlink);
    }
  }
  return unlisted;
}

function isPythonFile(path: PayloadPath): boolean {
  return /\.py[co]?$/.test(path);
}

/** @throws PyclinkError */
async function searchPlace(located: LocatedTarget, search: Search, options: ReadOptions): Promise<TargetContents> {
  const { kind, path } = located;
  if (kind === 'tree') return searchDirectory(located, search, options);
  try {
    if (kind === 'file') return await searchFile(located, search, options);
    return await searchImageIn(filesOfDirectory(openTree(path)), located, search, options);
  } catch (error) {
    throw error instanceof PyclinkError ? error : unreadable(path, messageOf(error), error);
  }
}

function searchDirectory({ target, path }: LocatedTarget, search: Search, options: ReadOptions): TargetContents {
  const { limits = defaultReadLimits, prepend, isInPlace, mayBePart, latestMtimeSeconds = Infinity } = options;
  const opened = openTree(path);
  const tree = installedAt(opened, isInPlace ? opened.path : (prepend ?? '/'));
  const root = mayBePart && prepend === undefined ? openTree(systemAround(tree.path)) : tree;
  const contents = searchTree(root, search, limits, tree.path);
  const entries = contents.entries.map((entry) => ({
    ...entry,
    mtimeSeconds: Math.min(entry.mtimeSeconds, latestMtimeSeconds),
  }));
  return { target, kind: 'tree', ...contents, entries };
}

async function searchImageIn(
  files: ImageFiles,
  { target, path, reference }: LocatedTarget,
  search: Search,
  { limits = defaultReadLimits, platform }: ReadOptions,
): Promise<TargetContents> {
  return { target, kind: 'image', ...(await searchImage({ files, path, reference, platform }, search, limits)) };
}

/** @throws also other errors: the file cannot be read */
async function searchFile(located: LocatedTarget, search: Search, options: ReadOptions): Promise<TargetContents> {
  const { target, path, reference } = located;
  const { limits = defaultReadLimits } = options;
  const start = readStart(path);
  const begins = formatOf(start);
  const endsAsZip = zipExtent(path) !== undefined;
  if (endsAsZip && begins !== undefined && begins !== 'zip') {
    throw new Error(`it begins as ${begins} and ends as zip, so programs interpret it differently`);
  }
  const format = begins ?? (endsAsZip ? 'zip' : path.endsWith('.rpm') ? 'rpm' : undefined);
  // An empty tar consists of zeros.
  if (format === undefined && start.some((byte) => byte !== 0)) throw new Error('it has no format that pyclink reads');
  const searchFormat = searches.get(format) ?? searchArchive;
  const files = searchFormat === searchArchive ? await filesOfTar(path, () => new Budget(path, limits)) : undefined;
  if (files !== undefined) return searchImageIn(files, located, search, options);
  if (reference !== undefined) throw new PyclinkError('usage', 'is not an image', { path });
  return { target, kind: 'package', ...(await searchFormat(path, search, limits)) };
}

/** The search function for each format. All other formats are tars. */
const searches: ReadonlyMap<Format | undefined, typeof searchArchive> = new Map([
  ['rpm', searchRpm],
  ['zip', searchZip],
  ['squashfs', searchSquashfs],
  ['erofs', searchErofs],
]);
