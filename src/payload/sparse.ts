/** The records of a pax header, in order: a key may come more than once. */
export type PaxRecords = readonly (readonly [key: string, value: Buffer])[];

/** A sparse file in a tar: the pieces between its holes are stored, and a map says where they go. */
export interface Sparse {
  /** The size with the holes. */
  readonly sizeBytes: number;
  /** Offset and length of each piece in turn; undefined if the map is at the start of the stored bytes. */
  readonly map: readonly number[] | undefined;
}

/** A tar is made of blocks of this size. @see tar(5) */
export const blockBytes = 512;

/**
 * Rebuilds a file from its stored pieces.
 * @returns undefined if the map is invalid
 * @see "Storing Sparse Files" in the manual of GNU tar
 */
export function withHoles({ sizeBytes, map }: Sparse, stored: Buffer): Buffer | undefined {
  const inStored = map === undefined ? mapIn(stored) : { map, end: 0 };
  if (inStored === undefined) return undefined;
  const whole = Buffer.alloc(sizeBytes);
  let at = inStored.end;
  for (let i = 0; i + 1 < inStored.map.length; i += 2) {
    const [offset, length] = inStored.map.slice(i, i + 2) as [number, number];
    if (!(offset >= 0 && length >= 0 && offset + length <= sizeBytes && at + length <= stored.length)) return undefined;
    stored.copy(whole, offset, at, at + length);
    at += length;
  }
  return whole;
}

/** The map of version 1.0: decimal numbers, one per line, starting with the number of pieces, padded to a block. */
function mapIn(stored: Buffer): { map: number[]; end: number } | undefined {
  let at = 0;
  const next = (): number => {
    const end = stored.indexOf('\n', at);
    const number = end < 0 || end - at > 20 ? Number.NaN : Number(stored.toString('latin1', at, end));
    at = end + 1;
    return number;
  };
  const count = next();
  // Each number takes at least two bytes.
  if (!(count >= 0 && 4 * count <= stored.length)) return undefined;
  const map = Array.from({ length: 2 * count }, next);
  return map.some(Number.isNaN) ? undefined : { map, end: Math.ceil(at / blockBytes) * blockBytes };
}

/** Reads the sparse records of a pax header, in any version. */
export function sparseInPax(records: PaxRecords): Sparse | undefined {
  const texts = records.map(([key, value]): [string, string] => [key, value.toString('latin1')]);
  const of = new Map(texts);
  const sizeBytes = Number(of.get('GNU.sparse.realsize') ?? of.get('GNU.sparse.size') ?? Number.NaN);
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return undefined;
  if (of.get('GNU.sparse.major') === '1') return { sizeBytes, map: undefined };
  const map = of.get('GNU.sparse.map')?.split(',');
  const pieces = texts.filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes');
  return { sizeBytes, map: (map ?? pieces.map(([, value]) => value)).map(Number) };
}

/** The number of pieces in a header of the old GNU format, and in each further block. */
const [piecesInHeader, piecesInBlock] = [4, 21];

/** Reads a sparse file of the old GNU format. @param blocks its header, and all further blocks of the map */
export function sparseInHeader([header, ...blocks]: readonly [Buffer, ...Buffer[]]): Sparse {
  const map = [
    ...piecesAt(header, 386, piecesInHeader),
    ...blocks.flatMap((block) => piecesAt(block, 0, piecesInBlock)),
  ];
  return { sizeBytes: numberAt(header, 483), map };
}

/** Whether another block of the map follows. */
export function hasMoreOfMap(block: Buffer, isHeader: boolean): boolean {
  return block[isHeader ? 482 : 504] !== 0;
}

function piecesAt(block: Buffer, start: number, count: number): number[] {
  return Array.from({ length: 2 * count }, (_, i) => numberAt(block, start + 12 * i));
}

/** Reads a number of twelve bytes: octal, or binary if the first bit is set. */
export function numberAt(block: Buffer, at: number): number {
  if ((block[at] ?? 0) >= 0x80) return Number(block.readBigUInt64BE(at + 4));
  return Number.parseInt(block.toString('latin1', at, at + 12), 8) || 0;
}
