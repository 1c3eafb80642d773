import { childOf, maxSymlinks, nameOf, type PayloadPath, parentOf } from '../files/path.ts';
import type { PayloadEntry } from './entry.ts';
import { targetOf } from './payload.ts';

/** A node of an image's tree: a directory with its names, a file or a symlink. */
interface Node {
  /** Without symlinks on the way. */
  readonly path: PayloadPath;
  entry?: PayloadEntry | undefined;
  /** A file that the search does not list, but that a link in a later layer may name. */
  unlisted?: PayloadEntry | undefined;
  children?: Map<string, Node> | undefined;
}

/** Files by path; paths may go through symlinks. */
export class FileTree {
  readonly #top: Node = { path: '/' as PayloadPath };
  /** The last directory, because a tar lists the files of a directory consecutively. */
  #last: { readonly path: PayloadPath; readonly node: Node } | undefined;

  /** The listed entries in their original order. */
  all(): PayloadEntry[] {
    return entriesIn(this.#top);
  }

  /** The node at a path. The last component is not followed. */
  find(path: PayloadPath): Node | undefined {
    return path === '/' ? this.#top : this.#directory(parentOf(path), false)?.children?.get(nameOf(path));
  }

  /** The node at a path, created if necessary. @returns undefined if symlinks form a loop */
  make(path: PayloadPath): Node | undefined {
    if (path === '/') return this.#top;
    const directory = this.#directory(parentOf(path), true);
    return directory && childNode(directory, nameOf(path));
  }

  /** Sets the content of a node: an entry, a file that is not listed, or neither. */
  set(node: Node, entry: PayloadEntry | undefined, unlisted?: PayloadEntry): void {
    if (entry?.type === 'symlink' || node.entry?.type === 'symlink') this.#last = undefined;
    node.entry = entry;
    node.unlisted = unlisted;
  }

  /** Removes everything below a node. @returns the removed entries that were listed */
  empty(node: Node | undefined): PayloadEntry[] {
    if (node?.children === undefined) return [];
    const removed = Array.from(node.children.values(), entriesIn).flat();
    node.children = undefined;
    this.#last = undefined;
    return removed;
  }

  /** Removes a path and everything below it. @returns the removed entries that were listed */
  remove(path: PayloadPath): PayloadEntry[] {
    const node = this.find(path);
    if (node === undefined) return [];
    const removed = entriesIn(node);
    this.empty(node);
    this.set(node, undefined);
    return removed;
  }

  #directory(path: PayloadPath, makes: boolean): Node | undefined {
    if (this.#last?.path === path) return this.#last.node;
    const pending = namesIn(path);
    let node = this.#top;
    let followed = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      const next = makes ? childNode(node, name) : node.children?.get(name);
      if (next === undefined) return undefined;
      if (next.entry?.type !== 'symlink') {
        node = next;
        continue;
      }
      followed += 1;
      if (followed > maxSymlinks) return undefined;
      pending.push(...namesIn(targetOf(next.entry)));
      node = this.#top;
    }
    this.#last = { path, node };
    return node;
  }
}

function childNode(directory: Node, name: string): Node {
  directory.children ??= new Map();
  const known = directory.children.get(name);
  if (known !== undefined) return known;
  const made: Node = { path: childOf(directory.path, name) };
  directory.children.set(name, made);
  return made;
}

function entriesIn({ entry, children }: Node): PayloadEntry[] {
  const own = entry === undefined ? [] : [entry];
  return children === undefined ? own : [...own, ...Array.from(children.values(), entriesIn).flat()];
}

/** The last name first. */
function namesIn(path: PayloadPath): string[] {
  return path.split('/').filter(Boolean).reverse();
}
