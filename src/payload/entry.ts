import type { PayloadPath } from '../files/path.ts';

/** A name in a package, an archive, an image or a directory. */
export interface PayloadEntry {
  readonly path: PayloadPath;
  readonly type: 'file' | 'symlink' | 'directory';
  /** What a symlink says. The other fields describe the symlink itself. */
  readonly target?: string;
  /** Of a file that was found through a symlink: its own path. */
  readonly leadsTo?: PayloadPath;
  /** Equal for the names of one file, different for any two files, whatever container they are in. */
  readonly file: string;
  /** The package, archive, directory or image that it is in. */
  readonly container: string;
  /** Recorded, but not in the payload: `%ghost` of an rpm. */
  readonly isGhost?: true;
  readonly sizeBytes: number;
  /** Permission bits. */
  readonly mode: number;
  readonly owner: string;
  readonly mtimeSeconds: number;
  /**
   * Of a zip: what unzip leaves, which is `rounded` to two seconds if the zip has nothing but DOS time; a wheel's files
   * get the time `of-installation`.
   */
  readonly mtimeIs?: 'rounded' | 'of-installation';
  /** Of a zip: what zipimport takes for the mtime, in even seconds and the time zone of this process. */
  readonly dosTimeSeconds?: number;
  /** In an image: the layer that it is in. */
  readonly layer?: string;
  /** In an image: the layer that wrote it over a file of an earlier layer. */
  readonly replacedBy?: string;
}

/** The bytes of a file, valid until the call returns; or why they could not be read. */
export type Content = Buffer | Unread;

/** Why bytes were not read. */
export interface Unread {
  readonly unread: string;
  /** The system refused it: then the container's `unreadable` has the file, with the error. */
  readonly isRefused?: true;
}

/** Takes the bytes of a file. */
export type TakeContent = (content: Content) => void;

/** What to look for in a container. Nothing else costs memory. */
export interface Search {
  /** Globs for the names that are listed. Symlinks are always listed: a path may go through one. */
  readonly names: readonly string[];
  /** Directories are listed too, as far as the container has them. */
  readonly directories?: true;
  /** Paths that are listed whatever their names are. In the running system only these and what is below are looked at. */
  readonly paths?: ReadonlySet<PayloadPath>;
  /**
   * Asked about each listed file, by one or more of its names: what takes its bytes, if they are wanted. It may be asked
   * about files of an image that a later layer removes.
   */
  readonly visit: (entry: PayloadEntry) => TakeContent | undefined;
}

/** A directory that could not be listed, or a file. */
export interface UnreadableEntry {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly error: unknown;
}

/** What a container has of what was looked for. */
export interface Contents {
  readonly entries: readonly PayloadEntry[];
  /** Which layer of an image removed a path. */
  readonly removedBy: ReadonlyMap<PayloadPath, string>;
  /** What could not be listed, with the error. */
  readonly unreadable: readonly UnreadableEntry[];
  /** Where a path that goes through symlinks leads; undefined if that is known from the entries. */
  readonly resolve?: (path: PayloadPath) => PayloadPath | undefined;
}

/** What a container has if nothing was removed from it, and all could be listed. */
export function contentsOf(entries: readonly PayloadEntry[]): Contents {
  return { entries, removedBy: new Map(), unreadable: [] };
}
