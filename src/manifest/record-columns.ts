import type { PayloadPath } from '../files/path.ts';
import { CompiledRecord, type RecordKind } from './compiled-record.ts';

/** The records of many sources as columns, which one thread can hand to another without a copy. */
export interface RecordColumns {
  readonly kinds: readonly RecordKind[];
  /** For each record: the number of its source, its size, which of the kinds it is, and 32 bytes of digest. */
  readonly sources: Uint32Array<ArrayBuffer>;
  readonly sizes: Float64Array<ArrayBuffer>;
  readonly kindIndexes: Uint32Array<ArrayBuffer>;
  readonly digests: Uint8Array<ArrayBuffer>;
  /** 32 bytes of digest of the source; zeros if it is not known. */
  readonly sourceDigests: Uint8Array<ArrayBuffer>;
}

/** Collects records for another thread. */
export class RecordCollector {
  readonly #sources: number[] = [];
  readonly #records: CompiledRecord[] = [];

  /** @param source its number */
  add(source: number, record: CompiledRecord): void {
    this.#sources.push(source);
    this.#records.push(record);
  }

  /** All records. */
  columns(): RecordColumns {
    const indexes = new Map<RecordKind, number>();
    const count = this.#records.length;
    const columns = {
      kinds: [] as RecordKind[],
      sources: Uint32Array.from(this.#sources),
      sizes: new Float64Array(count),
      kindIndexes: new Uint32Array(count),
      digests: new Uint8Array(32 * count),
      sourceDigests: new Uint8Array(32 * count),
    };
    const digests = Buffer.from(columns.digests.buffer);
    const sourceDigests = Buffer.from(columns.sourceDigests.buffer);
    this.#records.forEach((record, i) => {
      const index = indexes.get(record.kind) ?? columns.kinds.push(record.kind) - 1;
      indexes.set(record.kind, index);
      columns.sizes[i] = record.sizeBytes;
      columns.kindIndexes[i] = index;
      digests.write(record.digest, 32 * i, 'latin1');
      sourceDigests.write(record.sourceDigest ?? '', 32 * i, 'latin1');
    });
    return columns;
  }
}

/** The buffers of columns, for the list of what is transferred. */
export function buffersOf({ sources, sizes, kindIndexes, digests, sourceDigests }: RecordColumns): ArrayBuffer[] {
  return [sources.buffer, sizes.buffer, kindIndexes.buffer, digests.buffer, sourceDigests.buffer];
}

const unknownDigest = '\0'.repeat(32);

/** The records again. @param payloadOf the payload path of a source, by its number */
export function recordsFrom(columns: RecordColumns, payloadOf: (source: number) => PayloadPath): CompiledRecord[] {
  const digests = Buffer.from(columns.digests.buffer);
  const sourceDigests = Buffer.from(columns.sourceDigests.buffer);
  return Array.from(columns.sources, (source, i) => {
    const digest = digests.toString('latin1', 32 * i, 32 * (i + 1));
    const kind = columns.kinds[columns.kindIndexes[i] as number] as RecordKind;
    const ofSource = sourceDigests.toString('latin1', 32 * i, 32 * (i + 1));
    const sourceDigest = ofSource === unknownDigest ? undefined : ofSource;
    return new CompiledRecord(payloadOf(source), columns.sizes[i] as number, digest, kind, sourceDigest);
  });
}
