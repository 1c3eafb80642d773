import { type PayloadPath, parentOf } from '../files/path.ts';
import type { PayloadEntry } from './entry.ts';
import { placeOf } from './payload.ts';

/** A node of an image's tree: a directory with its names, a file or a symlink. */
interface Node {
  /** Without symlinks on the way. */
  readonly path: PayloadPath;
  entry?: PayloadEntry | undefined;
  /** A file that the search does not list, but that a link in a later layer may name. */
  unlisted?: PayloadEntry | undefined;
  readonly children: Node[];
}

/** Files by path; paths may go through symlinks. */
export class FileTree {
  /** By path without symlinks. */
  readonly #nodes = new Map<PayloadPath, Node>();
  readonly #at = (path: PayloadPath) => this.#nodes.get(path)?.entry;

  /** The listed entries in the order of the layers. */
  all(): PayloadEntry[] {
    return Array.from(this.#nodes.values()).flatMap(({ entry }) => entry ?? []);
  }

  /** The node at a path. The last component is not followed. */
  find(path: PayloadPath): Node | undefined {
    const place = placeOf(path, this.#at);
    return place && this.#nodes.get(place);
  }

  /** The node at a path, created if necessary. @returns undefined if symlinks form a loop */
  make(path: PayloadPath): Node | undefined {
    const place = placeOf(path, this.#at);
    return place && this.#make(place);
  }

  #make(place: PayloadPath): Node {
    const known = this.#nodes.get(place);
    if (known !== undefined) return known;
    const made: Node = { path: place, children: [] };
    this.#nodes.set(place, made);
    for (let below = made; below.path !== '/'; ) {
      const path = parentOf(below.path);
      const parent = this.#nodes.get(path) ?? { path, children: [] };
      parent.children.push(below);
      if (this.#nodes.has(path)) break;
      this.#nodes.set(path, parent);
      below = parent;
    }
    return made;
  }

  /** Sets the content of a node: an entry, a file that is not listed, or neither. */
  set(node: Node, entry: PayloadEntry | undefined, unlisted?: PayloadEntry): void {
    node.entry = entry;
    node.unlisted = unlisted;
  }

  /** Removes everything below a node. @returns the removed entries that were listed */
  empty(node: Node | undefined): PayloadEntry[] {
    const removed = node?.children.splice(0) ?? [];
    for (const { path, children } of removed) {
      this.#nodes.delete(path);
      for (const child of children) removed.push(child);
    }
    return removed.flatMap(({ entry }) => entry ?? []);
  }

  /** Removes a path and everything below it. @returns the removed entries that were listed */
  remove(path: PayloadPath): PayloadEntry[] {
    const node = this.find(path);
    if (node === undefined) return [];
    const removed = [node.entry ?? [], this.empty(node)].flat();
    this.set(node, undefined);
    return removed;
  }
}
