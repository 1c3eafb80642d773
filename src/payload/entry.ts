import type { PayloadPath } from '../files/path.ts';
import type { PycRecord } from '../manifest/schema.ts';
import type { PycHeader, UnreadableHeader } from '../pyc/header.ts';

/** What is read from the bytes of a pyc. */
export interface PycContent {
  readonly sha256: string;
  /** The header, or why there is none. */
  readonly header: PycHeader | UnreadableHeader;
  /** Why the code after the header cannot be read to its last byte. */
  readonly damage?: string;
  /** Read in depth: the path that it records for tracebacks. */
  readonly recordedPath?: string;
  /** Read in depth: whether it is in normal form; undefined if it can have none. */
  readonly isNormal?: boolean;
}

/** A file as a package, an archive or a directory records it. */
export interface PayloadEntry extends Partial<PycContent> {
  readonly path: PayloadPath;
  /** The package that it is in, or the directory or archive. */
  readonly container: string;
  /** Equal for the names of one file, within one container. */
  readonly inode: string;
  /** Recorded, but not in the payload. */
  readonly isGhost: boolean;
  /** The other fields describe the symlink itself. */
  readonly isSymlink?: true;
  readonly sizeBytes: number;
  /** Permission bits. */
  readonly mode: number;
  readonly owner: string;
  readonly mtimeSeconds: number;
  /**
   * Of a zip: `rounded` to two seconds, in the time zone of whoever made it, as zipimport takes it; a wheel's files get
   * the time `of-installation`.
   */
  readonly mtimeIs?: 'rounded' | 'of-installation';
  /** In an image: the layer that wrote it over a file of an earlier layer. */
  readonly replacedBy?: string;
  /** For sources of hash-based pycs: the source hash by magic number. */
  readonly sourceHashes?: ReadonlyMap<number, string>;
}

/** The files and symlinks of a payload, by path; several where packages share a path. */
export type Payload = ReadonlyMap<PayloadPath, readonly PayloadEntry[]>;

/** The entries by path. */
export function payloadOf(entries: readonly PayloadEntry[]): Payload {
  const payload = new Map<PayloadPath, PayloadEntry[]>();
  for (const entry of entries) payload.set(entry.path, [...(payload.get(entry.path) ?? []), entry]);
  return payload;
}

/** What a reader of payloads has to look for. */
export interface Wanted {
  readonly pycs: ReadonlySet<PayloadPath>;
  readonly sources: ReadonlySet<PayloadPath>;
  /** The magic numbers for which source hashes are needed; empty if all pycs are timestamp-based. */
  readonly hashMagicNumbers: readonly number[];
  /** Files whose contents are to be read whatever their names are. */
  readonly contents?: ReadonlySet<PayloadPath>;
  /** Every other pyc in a `__pycache__` too, and every source. */
  readonly others?: boolean;
  /** Every pyc and every source, and all that can be known of them. */
  readonly inDepth?: boolean;
}

/** Whether a reader has to look for a path. */
export function isWanted(path: PayloadPath, { pycs, sources, others = false, inDepth = false }: Wanted): boolean {
  if (inDepth) return /\.py[co]?$/.test(path);
  return pycs.has(path) || sources.has(path) || (others && /\.py$|\/__pycache__\/[^/]+\.pyc$/.test(path));
}

/** What has to be read to check these records. */
export function wantedFor(records: readonly PycRecord[], magicNumbers: readonly number[]): Wanted {
  return {
    pycs: new Set(records.flatMap((record) => record.paths)),
    sources: new Set(records.map((record) => record.source)),
    hashMagicNumbers: records.some((record) => record.invalidationMode !== 'timestamp') ? magicNumbers : [],
  };
}
