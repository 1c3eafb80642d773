import type { PayloadPath } from '../files/path.ts';
import { getOrAdd } from '../get-or-add.ts';
import { type Level, pycStem } from '../pyc/name.ts';
import type { PycRecord } from './schema.ts';

/** The fields that many records share. */
export interface RecordKind {
  /** The path suffixes after the stem, sorted. */
  readonly endings: readonly string[];
  readonly mode: PycRecord['mode'];
  readonly invalidationMode: PycRecord['invalidationMode'];
  /** The version of the interpreter that compiled. */
  readonly interpreterVersion: string;
  /** Fields that few records have: for a pyc next to its source, and for line tables without columns. */
  readonly more?: Pick<PycRecord, 'cacheTag' | 'optimizationLevel' | 'debugRanges'> | undefined;
}

const kinds = new Map<string, RecordKind>();

/** Returns one object for all kinds that are equal, to save memory. */
export function sharedKind(kind: RecordKind): RecordKind {
  const { endings, mode, invalidationMode, interpreterVersion, more } = kind;
  const key = [mode, invalidationMode, interpreterVersion, ...endings, JSON.stringify(more)].join();
  return getOrAdd(kinds, key, () => kind);
}

/** A record that builds its texts on demand, to save memory: a build may have 100,000 of them. */
export class CompiledRecord implements PycRecord {
  readonly source: PayloadPath;
  readonly sizeBytes: number;
  /** The SHA-256, one character per byte; empty if nothing that the build writes contains it. */
  readonly digest: string;
  readonly kind: RecordKind;
  /** The SHA-256 of the source, one character per byte; undefined if it could not be read. */
  readonly sourceDigest: string | undefined;

  /** @param digest the SHA-256, one character per byte; so is `sourceDigest` */
  constructor(
    source: PayloadPath,
    sizeBytes: number,
    digest: string,
    kind: RecordKind,
    sourceDigest: string | undefined,
  ) {
    this.source = source;
    this.sizeBytes = sizeBytes;
    this.digest = digest;
    this.kind = kind;
    this.sourceDigest = sourceDigest;
  }

  get paths(): PayloadPath[] {
    const stem = pycStem(this.source, this.cacheTag === undefined ? 'pycache' : 'zip');
    return this.kind.endings.map((ending) => `${stem}${ending}` as PayloadPath);
  }

  get sha256(): string {
    return hexOf(this.digest);
  }

  get sourceSha256(): string | undefined {
    return this.sourceDigest === undefined ? undefined : hexOf(this.sourceDigest);
  }

  get mode(): PycRecord['mode'] {
    return this.kind.mode;
  }

  get invalidationMode(): PycRecord['invalidationMode'] {
    return this.kind.invalidationMode;
  }

  get interpreterVersion(): string {
    return this.kind.interpreterVersion;
  }

  get cacheTag(): string | undefined {
    return this.kind.more?.cacheTag;
  }

  get optimizationLevel(): Level | undefined {
    return this.kind.more?.optimizationLevel;
  }

  /** Leaves out the version of the interpreter: it is written only if there are several. */
  toJSON(): PycRecord {
    const { source, sourceSha256, paths, sizeBytes, sha256, mode, invalidationMode } = this;
    const ofSource = sourceSha256 === undefined ? {} : { sourceSha256 };
    return { source, ...ofSource, paths, ...this.kind.more, sizeBytes, sha256, mode, invalidationMode };
  }
}

/**
 * Recreates a record that another thread made. Uses the kind and source objects of this thread, to save memory.
 * @param source of the job in this thread
 */
export function recordFromThread(
  { sizeBytes, digest, kind, sourceDigest }: Pick<CompiledRecord, 'sizeBytes' | 'digest' | 'kind' | 'sourceDigest'>,
  source: PayloadPath,
) {
  return new CompiledRecord(source, sizeBytes, digest, sharedKind(kind), sourceDigest);
}

function hexOf(digest: string): string {
  return Buffer.from(digest, 'latin1').toString('hex');
}
