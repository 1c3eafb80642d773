import { join, resolve } from 'node:path';
import { installedAt, openTree } from '../buildroot/open.ts';
import { errnoOf, PyclinkError } from '../errors.ts';
import type { PayloadPath } from '../files/path.ts';
import { type FileStat, stat, statIfAny } from '../files/stat.ts';
import { readArchive } from './archive.ts';
import { Budget, defaultReadLimits, type ReadLimits } from './budget.ts';
import type { PayloadEntry, Wanted } from './entry.ts';
import { readImage } from './image.ts';
import { filesOfDirectory, filesOfTar, type ImageFiles } from './image-files.ts';
import { readRpm } from './rpm.ts';
import { systemAround } from './system-around.ts';
import { readTree, type Unreadable } from './tree.ts';
import { isZip, readZip } from './zip.ts';

/** How targets are read. */
export interface ReadOptions {
  readonly limits?: ReadLimits;
  /** Of images: `os/architecture`. */
  readonly platform?: string | undefined;
  /** Where a directory will lie. */
  readonly prepend?: string | undefined;
  /** A directory may be a part of a system: paths then begin at the root of that. */
  readonly mayBePart?: boolean;
}

/** What a target holds. */
export interface TargetContent {
  /** As the user wrote it. */
  readonly target: string;
  /** A whole file system by itself, or one of the packages of a build. */
  readonly kind: 'tree' | 'image' | 'package';
  readonly entries: readonly PayloadEntry[];
  /** Which layer of an image removed a path. */
  readonly removedBy: ReadonlyMap<PayloadPath, string>;
  /** What could not be read, with the error. */
  readonly unreadable: readonly Unreadable[];
}

/** The targets that are one payload: the packages of a build together, each image by itself. */
export function payloadsOf(contents: readonly TargetContent[]): readonly (readonly TargetContent[])[] {
  const packages = contents.filter(({ kind }) => kind !== 'image');
  const images = contents.filter(({ kind }) => kind === 'image').map((image) => [image]);
  return packages.length > 0 ? [packages, ...images] : images;
}

/**
 * Reads the targets: a directory, packages, archives, and images, which may have `:NAME` behind them.
 * @throws PyclinkError `usage` for a target that is not there, or a directory among others; `tool-failed`
 */
export async function readTargets(
  targets: readonly string[],
  wanted: Wanted,
  options: ReadOptions,
): Promise<TargetContent[]> {
  const places = targets.map(placeOf);
  const directory = places.find(({ kind }) => kind === 'tree');
  if (directory === undefined && (options.prepend ?? '/') !== '/') {
    throw new PyclinkError('usage', '--prepend is for a directory; a package or an image has installed paths');
  }
  if (directory !== undefined && targets.length > 1) {
    throw new PyclinkError('usage', 'a directory must be the only target', { path: directory.path });
  }
  const contents: TargetContent[] = [];
  for (const [i, place] of places.entries()) {
    contents.push({ target: targets[i] ?? '', ...(await readPlace(place, wanted, options)) });
  }
  return contents;
}

/** A target, with the reference that an image may have. */
interface Place {
  readonly kind: 'tree' | 'image-directory' | 'rpm' | 'archive';
  readonly path: string;
  readonly reference?: string;
}

/** @throws PyclinkError `usage` */
function placeOf(target: string): Place {
  const [path, reference] = parted(target);
  const place = { path, ...(reference === undefined ? {} : { reference }) };
  if (statOf(path).kind !== 'directory') return { ...place, kind: target.endsWith('.rpm') ? 'rpm' : 'archive' };
  const isImage = exists(join(path, 'oci-layout'));
  if (!isImage && reference !== undefined) throw new PyclinkError('usage', 'is no image', { path });
  return { ...place, kind: isImage ? 'image-directory' : 'tree' };
}

/** Parts a target from its `:NAME`. If there is a file whose own name has a colon, that is the target. */
function parted(target: string): [path: string, reference?: string] {
  const ends = Array.from(target.matchAll(/:/g), ({ index }) => index).filter((index) => index > 0);
  const end = exists(target) ? undefined : ends.find((index) => exists(target.slice(0, index)));
  return end === undefined ? [target] : [target.slice(0, end), target.slice(end + 1)];
}

async function readPlace(
  { kind, path, reference }: Place,
  wanted: Wanted,
  { limits = defaultReadLimits, platform, prepend = '/', mayBePart = false }: ReadOptions,
): Promise<Omit<TargetContent, 'target'>> {
  const whole = { removedBy: new Map<PayloadPath, string>(), unreadable: [] };
  const image = async (files: ImageFiles): Promise<Omit<TargetContent, 'target'>> => ({
    kind: 'image',
    unreadable: [],
    ...(await readImage({ files, path, reference, platform }, { ...wanted, others: false }, limits)),
  });
  if (kind === 'tree') {
    // On a running system, pycs that are not wanted belong to other packages.
    const others = wanted.others === true && resolve(path) !== '/';
    const tree = installedAt(openTree(resolve(path)), prepend);
    const root = mayBePart ? openTree(systemAround(tree.path)) : tree;
    return { ...whole, kind, ...readTree(root, { ...wanted, others }, tree.path) };
  }
  if (kind === 'image-directory') return image(filesOfDirectory(openTree(resolve(path))));
  if (kind === 'rpm') return { ...whole, kind: 'package', entries: await readRpm(path, wanted, limits) };
  const isInZip = isZip(path);
  const files = isInZip ? undefined : await filesOfTar(path, () => new Budget(path, limits));
  if (files !== undefined) return image(files);
  if (reference !== undefined) throw new PyclinkError('usage', 'is no image', { path });
  const read = isInZip ? readZip : readArchive;
  return { ...whole, kind: 'package', entries: await read(path, wanted, limits) };
}

function exists(path: string): boolean {
  return statIfAny(path) !== undefined;
}

function statOf(path: string): FileStat {
  try {
    return stat(path);
  } catch (error) {
    throw new PyclinkError('usage', `cannot be opened (${errnoOf(error)})`, { path, cause: error });
  }
}
