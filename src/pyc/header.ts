import { timeText } from '../text.ts';
import { releaseOf } from './releases.ts';
import { sourceHash } from './source-hash.ts';

/** How an interpreter decides whether a pyc is still valid for its source. @see PEP 552 */
export type InvalidationMode = 'timestamp' | 'checked-hash' | 'unchecked-hash';

export const invalidationModes: readonly InvalidationMode[] = ['timestamp', 'checked-hash', 'unchecked-hash'];

/** The header of a pyc. */
export type PycHeader = {
  /** The first two bytes, which identify the release that wrote the pyc. */
  readonly magicNumber: number;
} & (
  | {
      readonly invalidationMode: 'timestamp';
      /** The low 32 bits of the source's mtime. */
      readonly sourceMtimeSeconds: number;
      /** The low 32 bits of the source's size. */
      readonly sourceSizeBytes: number;
    }
  | {
      readonly invalidationMode: 'checked-hash' | 'unchecked-hash';
      /** Sixteen hexadecimal digits. */
      readonly sourceHash: string;
    }
);

/** Why bytes do not start with a header of Python 3. */
export interface UnreadableHeader {
  readonly unreadable: string;
  /** It is a header of Python 2. */
  readonly isOfPython2?: true;
}

/** The lowest magic number of Python 1 and 2, whose headers have eight bytes. @see Python/import.c of Python 2.7 */
const firstMagicNumberOfPython2 = 20_000;

/** Parses a header. @returns the reason if the bytes do not start with one */
export function parsePycHeader(bytes: Uint8Array): PycHeader | UnreadableHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 4) return { unreadable: 'is too short to be a pyc' };
  if (view.getUint16(2, true) !== 0x0a0d) return { unreadable: 'does not start with a magic number' };
  const magicNumber = view.getUint16(0, true);
  if (magicNumber >= firstMagicNumberOfPython2) return { unreadable: 'was written by Python 2', isOfPython2: true };
  const sizeBytes = releaseOf(magicNumber).headerSizeBytes;
  if (view.byteLength < sizeBytes) return { unreadable: 'ends within its header' };
  const flags = sizeBytes === 12 ? 0 : view.getUint32(4, true);
  const fields = sizeBytes - 8;
  if (flags > 3) return { unreadable: `has unknown flags 0x${flags.toString(16)}` };
  // Flag 2 (check the source) has no meaning without flag 1 (hash-based).
  if ((flags & 1) === 0) {
    return {
      magicNumber,
      invalidationMode: 'timestamp',
      sourceMtimeSeconds: view.getUint32(fields, true),
      sourceSizeBytes: view.getUint32(fields + 4, true),
    };
  }
  return {
    magicNumber,
    invalidationMode: flags === 3 ? 'checked-hash' : 'unchecked-hash',
    sourceHash: Buffer.from(bytes.subarray(8, 16)).toString('hex'),
  };
}

/** The bytes of a header. */
export function encodePycHeader(header: PycHeader): Buffer {
  const sizeBytes = releaseOf(header.magicNumber).headerSizeBytes;
  const bytes = Buffer.alloc(sizeBytes);
  bytes.writeUInt16LE(header.magicNumber, 0);
  bytes.writeUInt16LE(0x0a0d, 2);
  if (header.invalidationMode === 'timestamp') {
    bytes.writeUInt32LE(header.sourceMtimeSeconds >>> 0, sizeBytes - 8);
    bytes.writeUInt32LE(header.sourceSizeBytes >>> 0, sizeBytes - 4);
  } else {
    bytes.writeUInt32LE(header.invalidationMode === 'checked-hash' ? 3 : 1, 4);
    bytes.write(header.sourceHash, 8, 'hex');
  }
  return bytes;
}

/**
 * Returns a timestamp-based pyc with another source mtime. The pyc of an empty source gets a checked hash instead, where
 * its Python knows hashes: ostree and Flatpak do not keep the mtime of an empty file. Returns the same buffer if nothing
 * changes.
 */
export function withSourceMtime(pyc: Buffer, mtimeSeconds: number): Buffer {
  const header = parsePycHeader(pyc);
  if ('unreadable' in header || header.invalidationMode !== 'timestamp') return pyc;
  const { magicNumber, sourceSizeBytes } = header;
  const isByHash = sourceSizeBytes === 0 && releaseOf(magicNumber).headerSizeBytes > 12;
  if (!isByHash && header.sourceMtimeSeconds === mtimeSeconds >>> 0) return pyc;
  const stamped = Buffer.from(pyc);
  const changed: PycHeader = isByHash
    ? { magicNumber, invalidationMode: 'checked-hash', sourceHash: sourceHash(magicNumber, new Uint8Array()) }
    : { ...header, sourceMtimeSeconds: mtimeSeconds };
  encodePycHeader(changed).copy(stamped);
  return stamped;
}

/** A source as the import system sees it. */
export interface ImportedSource {
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  /** The source hash for a magic number. */
  readonly hash: (magicNumber: number) => string;
}

/**
 * Why an interpreter would compile this source instead of loading the pyc; undefined if it would load it. Unchecked
 * hashes are compared too: the interpreter does not check them, but would run old code.
 */
export function staleReason(header: PycHeader, source: ImportedSource): string | undefined {
  if (header.invalidationMode !== 'timestamp') {
    return header.sourceHash === source.hash(header.magicNumber) ? undefined : 'the hash of the source does not match';
  }
  const mtime = source.mtimeSeconds >>> 0;
  if (header.sourceMtimeSeconds !== mtime) {
    return `it records mtime ${timeText(header.sourceMtimeSeconds)}, the source has ${timeText(mtime)}`;
  }
  const size = source.sizeBytes >>> 0;
  if (header.sourceSizeBytes !== size) return `it records ${header.sourceSizeBytes} bytes, the source has ${size}`;
  return undefined;
}
