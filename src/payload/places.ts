import { childOf, nameOf, type PayloadPath, parentOf } from '../files/path.ts';
import type { PayloadEntry } from './entry.ts';
import { throughSymlinks } from './payload.ts';

/** Where names in a tar lead. Remembers the last directory, because a tar lists the files of a directory consecutively. */
export class Places {
  readonly #at: (path: PayloadPath) => PayloadEntry | undefined;
  #last: { readonly path: PayloadPath; readonly place: PayloadPath } | undefined;

  /** @param at what is at a path now */
  constructor(at: (path: PayloadPath) => PayloadEntry | undefined) {
    this.#at = at;
  }

  /** Follows symlinks on the way to a path, but not its last component. @returns undefined if they form a loop */
  of(path: PayloadPath): PayloadPath | undefined {
    if (path === '/') return path;
    const parent = parentOf(path);
    if (this.#last?.path !== parent) {
      const place = throughSymlinks(parent, this.#at);
      if (place === undefined) return undefined;
      this.#last = { path: parent, place };
    }
    const { place } = this.#last;
    return place === parent ? path : childOf(place, nameOf(path));
  }

  /** To be called after a symlink was added or removed. */
  forget(): void {
    this.#last = undefined;
  }
}
