import { contains, type PayloadPath, parentOf, plainPath } from '../files/path.ts';
import type { PayloadEntry } from './entry.ts';
import { placeOf } from './payload.ts';

/** What a tar has at a path. */
export interface TarName {
  /** Undefined for a device and the like. */
  readonly entry: PayloadEntry | undefined;
  /** Whether the search lists it. */
  readonly isListed: boolean;
  /** For a hard link to a file outside this tar: the path of that file. The entry has no bytes. */
  readonly linkTo?: PayloadPath | undefined;
}

/** The tree that results if the members of a tar so far are unpacked in order. */
export class TarNames {
  /** The last member with each path, in the order of the tar. */
  readonly byPath = new Map<PayloadPath, TarName>();
  readonly #root: PayloadPath;
  readonly #isLayer: boolean;
  /** Directories that are not empty. */
  readonly #parents = new Set<PayloadPath>();

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
    const place = placeOf(inside, (path) => this.byPath.get(path)?.entry);
    if (place === undefined) throw new Error(`its symlinks form a loop: ${parentOf(inside)}`);
    return place;
  }

  /** What earlier members left at a path, if anything. No entry means a device, a directory or the like. */
  at(path: PayloadPath): { readonly entry: PayloadEntry | undefined } | undefined {
    const known = this.byPath.get(path);
    if (known === undefined && !this.#parents.has(path)) return undefined;
    return { entry: known?.entry?.type === 'directory' ? undefined : known?.entry };
  }

  /** Sets what is at a path. @throws if programs disagree on whether it is a directory */
  set(path: PayloadPath, name: TarName): void {
    const [before, type] = [this.byPath.get(path)?.entry?.type, name.entry?.type];
    const isReplaced = type === 'directory' ? before === 'symlink' : this.#parents.has(path);
    if (isReplaced && !this.#isLayer) throw twoWays(path);
    this.byPath.delete(path);
    this.byPath.set(path, name);
    for (let parent = parentOf(path); parent !== '/' && !this.#parents.has(parent); parent = parentOf(parent)) {
      const above = this.byPath.get(parent);
      if (above !== undefined && above.entry?.type !== 'directory') throw twoWays(parent);
      this.#parents.add(parent);
    }
  }
}

function twoWays(path: PayloadPath): Error {
  return new Error(`it has a directory that programs interpret differently: ${path}`);
}
