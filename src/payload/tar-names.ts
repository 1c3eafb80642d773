import { contains, type PayloadPath, parentOf, plainPath } from '../files/path.ts';
import type { PayloadEntry } from './entry.ts';
import { throughSymlinks } from './payload.ts';

/** What lies at the names of a tar when its members so far are unpacked one after another. */
export class TarNames {
  readonly #root: PayloadPath;
  readonly #isLayer: boolean;
  /** All that is not a directory; undefined for a device and the like. */
  readonly #others = new Map<PayloadPath, PayloadEntry | undefined>();
  /** Directories that have something in them. */
  readonly #parents = new Set<PayloadPath>();
  #symlinks = 0;
  /** The directory that was asked for last: a tar names the files of a directory one after another. */
  #last: { readonly path: PayloadPath; readonly place: PayloadPath } | undefined;

  /**
   * @param root the directory that is the root of the payload
   * @param isLayer the later member counts, also of a directory and something else: the image specification says so
   */
  constructor(root: PayloadPath, isLayer: boolean) {
    this.#root = root;
    this.#isLayer = isLayer;
  }

  /**
   * The path at which a member is unpacked: symlinks of the same tar are followed in its directory, not in its last
   * component. Names in archives begin with `./`, with `/` or with neither.
   * @returns undefined if it is not below the root
   * @throws if symlinks lead in a circle
   */
  placeOf(name: string): PayloadPath | undefined {
    const path = plainPath(name) as PayloadPath;
    if (!contains(this.#root, path)) return undefined;
    const inside = (this.#root === '/' ? path : path.slice(this.#root.length) || '/') as PayloadPath;
    if (this.#symlinks === 0 || inside === '/') return inside;
    const parent = parentOf(inside);
    if (this.#last?.path !== parent) {
      const place = throughSymlinks(parent, (one) => this.#others.get(one));
      if (place === undefined) throw new Error(`its symlinks lead in a circle: ${parent}`);
      this.#last = { path: parent, place };
    }
    const { place } = this.#last;
    return place === parent ? inside : (`${place === '/' ? '' : place}${inside.slice(parent.length)}` as PayloadPath);
  }

  /** What earlier members left at a path, if they did: no entry is a device, a directory and the like. */
  at(path: PayloadPath): { readonly entry: PayloadEntry | undefined } | undefined {
    const isKnown = this.#others.has(path) || this.#parents.has(path);
    return isKnown ? { entry: this.#others.get(path) } : undefined;
  }

  /**
   * Says what lies at a path from now on; undefined for a device and the like.
   * @throws if programs disagree on whether it is a directory
   */
  set(path: PayloadPath, entry: PayloadEntry | undefined): void {
    const isDirectory = entry?.type === 'directory';
    const before = this.#others.get(path);
    const isReplaced = isDirectory ? before?.type === 'symlink' : this.#parents.has(path);
    if (isReplaced && !this.#isLayer) throw twoWays(path);
    if (before?.type === 'symlink') this.#count(-1);
    if (isDirectory) this.#others.delete(path);
    else this.#others.set(path, entry);
    if (entry?.type === 'symlink') this.#count(1);
    for (let parent = parentOf(path); parent !== '/' && !this.#parents.has(parent); parent = parentOf(parent)) {
      if (this.#others.has(parent)) throw twoWays(parent);
      this.#parents.add(parent);
    }
  }

  #count(more: number): void {
    this.#symlinks += more;
    this.#last = undefined;
  }
}

function twoWays(path: PayloadPath): Error {
  return new Error(`it has a directory that programs interpret differently: ${path}`);
}
