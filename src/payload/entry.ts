import type { Borrowed } from '../files/arena.ts';
import { nameOf, type PayloadPath } from '../files/path.ts';

/** A name in a package, an archive, an image or a directory. */
export interface PayloadEntry {
  readonly path: PayloadPath;
  readonly type: 'file' | 'symlink' | 'directory';
  /** The target of a symlink. The other fields describe the symlink itself. */
  readonly target?: string;
  /** The real path of a file that was found through a symlink. */
  readonly leadsTo?: PayloadPath;
  /** Equal for the names of one file, different for any two files, also across containers. */
  readonly file: string;
  /** The package, archive, directory or image that contains it. */
  readonly container: string;
  /** Recorded, but not in the payload: `%ghost` of an rpm. */
  readonly isGhost?: true;
  readonly sizeBytes: number;
  /** Permission bits. */
  readonly mode: number;
  readonly owner: string;
  readonly mtimeSeconds: number;
  /**
   * Which mtime the files of a zip get. `rounded`: unzip sets what the zip stores, in steps of two seconds.
   * `of-installation`: pip sets the time at which it installs a wheel.
   */
  readonly mtimeIs?: 'rounded' | 'of-installation';
  /** For a zip: what zipimport uses as the mtime, in even seconds and in the time zone of this process. */
  readonly dosTimeSeconds?: number;
  /** For an image: the layer that contains it. */
  readonly layer?: string;
  /** For an image: the layer that overwrote a file of an earlier layer with it. */
  readonly replacedBy?: string;
}

/** The bytes of a file, or the reason why they could not be read. */
export type Content = Borrowed | Unread;

/** Why bytes were not read. */
export interface Unread {
  readonly unread: string;
  /** The system refused to read it. The container's `unreadable` then has the file and the error. */
  readonly isRefused?: true;
}

/** Receives the bytes of a file. */
export type TakeContent = (content: Content) => void;

/** What to search for in a container. Nothing else uses memory. */
export interface Search {
  /** Matches the names to list. Symlinks are always listed, because a path may go through one. */
  readonly names: RegExp;
  /** List directories too, as far as the container has entries for them. */
  readonly directories?: true;
  /** Paths to list regardless of their names. In the running system, only these and what is below them are searched. */
  readonly paths?: ReadonlySet<PayloadPath>;
  /**
   * Called for each listed file, under one or more of its names. Returns a callback for its bytes, if they are wanted.
   * It may be called for files of an image that a later layer removes.
   */
  readonly visit: (entry: PayloadEntry) => TakeContent | undefined;
}

/** Returns a function that says which names of a container a search lists. */
export function listedBy({ names, paths, directories }: Search) {
  return (path: PayloadPath, type: PayloadEntry['type']): boolean =>
    type === 'symlink' ||
    (type === 'directory' && directories === true) ||
    names.test(nameOf(path)) ||
    paths?.has(path) === true;
}

/** A directory that could not be listed, or a file that could not be read. */
export interface UnreadableEntry {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly error: unknown;
}

/** The result of searching a container. */
export interface Contents {
  readonly entries: readonly PayloadEntry[];
  /** Removed paths of an image, and the layer that removed them. */
  readonly removedBy: ReadonlyMap<PayloadPath, string>;
  /** What could not be listed, with the error. */
  readonly unreadable: readonly UnreadableEntry[];
  /** Resolves the symlinks of a path; undefined if the entries are enough for that. */
  readonly resolve?: (path: PayloadPath) => PayloadPath | undefined;
}

/** The result for a container without removed or unreadable files. */
export function contentsOf(entries: readonly PayloadEntry[]): Contents {
  return { entries, removedBy: new Map(), unreadable: [] };
}
