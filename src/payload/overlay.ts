import { childOf, nameOf, type PayloadPath, parentOf } from '../files/path.ts';
import type { PayloadEntry } from './entry.ts';
import { FileTree } from './file-tree.ts';
import type { TarContents } from './tar.ts';

/** A layer of an image with the result of a pass over it. */
export interface Layer extends Pick<TarContents, 'names'> {
  readonly label: string;
}

/** The file system that the layers make up. */
export interface Overlay {
  readonly entries: readonly PayloadEntry[];
  /** Hard links to files of an earlier layer. */
  readonly linked: readonly PayloadEntry[];
  /** Removed paths, and the layer that removed them. */
  readonly removedBy: ReadonlyMap<PayloadPath, string>;
}

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

/**
 * Applies layers in order. A file `.wh.NAME` removes NAME of earlier layers and everything below it; `.wh..wh..opq`
 * removes what earlier layers have in its directory. Anything but a directory removes what was below its path, and a
 * directory replaces a symlink. Follows symlinks on the way to a path.
 * @see the OCI image specification, layer.md, and applyNaive in containerd's archive package
 */
export function overlay(layers: readonly Layer[]): Overlay {
  const files = new FileTree();
  const removedBy = new Map<PayloadPath, string>();
  const linked: PayloadEntry[] = [];
  for (const { label, names } of layers) {
    const remove = (removed: readonly PayloadEntry[]) => {
      for (const { path } of removed) removedBy.set(path, label);
    };
    // Whiteouts apply to earlier layers, wherever they are in the tar.
    for (const path of Array.from(names.keys()).filter(isWhiteout)) {
      const name = nameOf(path);
      const directory = parentOf(path);
      if (name === opaque) remove(files.empty(files.find(directory)));
      else remove(files.remove(childOf(directory, name.slice(whiteout.length))));
    }
    const resolved = new Map<PayloadPath, PayloadEntry | undefined>();
    for (const [path, { entry, linkTo }] of names) {
      const isDirectory = entry?.type === 'directory';
      if (isDirectory && files.find(path)?.entry?.type === 'symlink') remove(files.remove(path));
      const node = linkTo && files.find(linkTo);
      if (node !== undefined) resolved.set(path, node.entry ?? node.unlisted);
    }
    for (const [path, { entry, isListed }] of names) {
      const isDirectory = entry?.type === 'directory';
      const node = isWhiteout(path) || (isDirectory && !isListed) ? undefined : files.make(path);
      if (node === undefined) continue;
      if (!isDirectory) remove(files.empty(node));
      if (entry === undefined || !isListed) {
        if (node.entry !== undefined) remove([node.entry]);
        files.set(node, undefined, entry);
        continue;
      }
      const isReplaced = !isDirectory && (node.entry !== undefined || removedBy.get(node.path) === label);
      const at = node.path === path ? entry : { ...entry, path: node.path };
      files.set(node, isReplaced ? { ...at, replacedBy: label } : at);
      removedBy.delete(node.path);
    }
    for (const [path, target] of resolved) {
      const node = files.find(path);
      if (target === undefined || node?.entry === undefined) continue;
      const { replacedBy } = node.entry;
      const entry = { ...target, path: node.path, ...(replacedBy === undefined ? {} : { replacedBy }) };
      node.entry = entry;
      linked.push(entry);
    }
  }
  return { entries: files.all(), linked, removedBy };
}

function isWhiteout(path: PayloadPath): boolean {
  return path.includes('/.wh.') && nameOf(path).startsWith(whiteout);
}
