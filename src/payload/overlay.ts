import { childOf, nameOf, type PayloadPath, parentOf } from '../files/path.ts';
import type { TarEntry } from './tar.ts';

/** A layer of an image: what is in it besides directories, by path. */
export interface Layer {
  readonly label: string;
  readonly entries: ReadonlyMap<PayloadPath, TarEntry>;
}

/** A file of an image, as its layers leave it. */
interface ImageFile {
  /** With the facts of the file that a hard link names. */
  readonly entry: TarEntry;
  /** Equal for the names of one file. */
  readonly inode: string;
  /** The layer that wrote it over a file of an earlier layer. */
  readonly replacedBy?: string;
}

/** A file system that layers make. */
export interface Overlay {
  readonly files: ReadonlyMap<PayloadPath, ImageFile>;
  /** Which layer removed a path that is no longer there. */
  readonly removedBy: ReadonlyMap<PayloadPath, string>;
}

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

/**
 * Applies layers in order. A file `.wh.NAME` removes NAME of earlier layers and all below it, `.wh..wh..opq` what earlier
 * layers have in its directory; anything but a directory removes what was below its path.
 * @see the OCI image specification, layer.md
 */
export function overlay(layers: readonly Layer[]): Overlay {
  const files = new Map<PayloadPath, ImageFile>();
  const removedBy = new Map<PayloadPath, string>();
  layers.forEach((layer, number) => {
    const { removed, emptied, covered } = removalsOf(layer);
    for (const path of [...files.keys()]) {
      const above = ancestorsOf(path);
      const isGone =
        removed.has(path) || above.some((parent) => removed.has(parent) || emptied.has(parent) || covered.has(parent));
      if (!isGone) continue;
      files.delete(path);
      removedBy.set(path, layer.label);
    }
    const lower = new Map(files);
    for (const [path, entry] of layer.entries) {
      if (nameOf(path).startsWith(whiteout)) continue;
      const isReplaced = lower.has(path) || removedBy.get(path) === layer.label;
      files.set(path, { ...linked(entry, layer, number, lower), ...(isReplaced && { replacedBy: layer.label }) });
      removedBy.delete(path);
    }
  });
  return { files, removedBy };
}

/** A name of this layer, with the facts of its file, which may be in an earlier layer. */
function linked(
  entry: TarEntry,
  layer: Layer,
  number: number,
  lower: ReadonlyMap<PayloadPath, ImageFile>,
): Pick<ImageFile, 'entry' | 'inode'> {
  const { path, linkTo } = entry;
  if (linkTo === undefined) return { entry, inode: `${number}:${path}` };
  const target = layer.entries.get(linkTo);
  if (target !== undefined) return { entry: { ...target, path }, inode: `${number}:${target.linkTo ?? linkTo}` };
  const earlier = lower.get(linkTo);
  return earlier === undefined
    ? { entry, inode: `${number}:${linkTo}` }
    : { entry: { ...earlier.entry, path }, inode: earlier.inode };
}

/** What a layer removes of earlier ones: these paths, what is in these directories, what was below these files. */
function removalsOf({ entries }: Layer) {
  const [removed, emptied, covered] = [new Set<PayloadPath>(), new Set<PayloadPath>(), new Set<PayloadPath>()];
  for (const path of entries.keys()) {
    const name = nameOf(path);
    if (name === opaque) emptied.add(parentOf(path));
    else if (name.startsWith(whiteout)) removed.add(childOf(parentOf(path), name.slice(whiteout.length)));
    else covered.add(path);
  }
  return { removed, emptied, covered };
}

/** The directories that a path is in, the innermost first. */
function ancestorsOf(path: PayloadPath): PayloadPath[] {
  const above = parentOf(path);
  return above === '/' ? [above] : [above, ...ancestorsOf(above)];
}
