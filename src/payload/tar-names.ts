import { childOf, contains, nameOf, type PayloadPath, parentOf, plainPath } from '../files/path.ts';
import type { PayloadEntry } from './entry.ts';
import { throughSymlinks } from './payload.ts';

/** The tree that results if the members of a tar so far are unpacked in order. */
export class TarNames {
  readonly #root: PayloadPath;
  readonly #isLayer: boolean;
  /** Everything but directories; undefined for devices and the like. */
  readonly #others = new Map<PayloadPath, PayloadEntry | undefined>();
  /** Directories that are not empty. */
  readonly #parents = new Set<PayloadPath>();
  /** The last directory, because a tar lists the files of a directory consecutively. */
  #last: { readonly path: PayloadPath; readonly place: PayloadPath } | undefined;

  /**
   * @param root the directory that is the root of the payload
   * @param isLayer whether a later member always replaces an earlier one, even if one is a directory, as the image
   *   specification requires
   */
  constructor(root: PayloadPath, isLayer: boolean) {
    this.#root = root;
    this.#isLayer = isLayer;
  }

  /**
   * The path where a member is unpacked. Follows symlinks of the same tar in its directory, but not in its last
   * component. Names in archives start with `./`, with `/` or with neither.
   * @returns undefined if it is not below the root
   * @throws if symlinks form a loop
   */
  placeOf(name: string): PayloadPath | undefined {
    const path = plainPath(name) as PayloadPath;
    if (!contains(this.#root, path)) return undefined;
    const inside = (this.#root === '/' ? path : path.slice(this.#root.length) || '/') as PayloadPath;
    if (inside === '/') return inside;
    const parent = parentOf(inside);
    if (this.#last?.path !== parent) {
      const place = throughSymlinks(parent, (one) => this.#others.get(one));
      if (place === undefined) throw new Error(`its symlinks lead in a circle: ${parent}`);
      this.#last = { path: parent, place };
    }
    const { place } = this.#last;
    return place === parent ? inside : childOf(place, nameOf(inside));
  }

  /** What earlier members left at a path, if anything. No entry means a device, a directory or the like. */
  at(path: PayloadPath): { readonly entry: PayloadEntry | undefined } | undefined {
    const isKnown = this.#others.has(path) || this.#parents.has(path);
    return isKnown ? { entry: this.#others.get(path) } : undefined;
  }

  /**
   * Sets what is at a path; undefined for a device and the like.
   * @throws if programs disagree on whether it is a directory
   */
  set(path: PayloadPath, entry: PayloadEntry | undefined): void {
    const isDirectory = entry?.type === 'directory';
    const before = this.#others.get(path);
    const isReplaced = isDirectory ? before?.type === 'symlink' : this.#parents.has(path);
    if (isReplaced && !this.#isLayer) throw twoWays(path);
    if (before?.type === 'symlink' || entry?.type === 'symlink') this.#last = undefined;
    if (isDirectory) this.#others.delete(path);
    else this.#others.set(path, entry);
    for (let parent = parentOf(path); parent !== '/' && !this.#parents.has(parent); parent = parentOf(parent)) {
      if (this.#others.has(parent)) throw twoWays(parent);
      this.#parents.add(parent);
    }
  }
}

function twoWays(path: PayloadPath): Error {
  return new Error(`it has a directory that programs interpret differently: ${path}`);
}
