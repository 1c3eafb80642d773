import type { CodeLayout } from '../pyc/releases.ts';
import { releaseOf } from '../pyc/releases.ts';
import { TooLarge } from './frozenset-order.ts';
import { ObjectReader } from './object-reader.ts';
import { isString, marshalType, textOf } from './types.ts';

/** What is known of a pyc once its code has been read. */
export interface CodeFacts {
  /** The path for tracebacks: `co_filename` of the module. */
  readonly recordedPath?: string;
  /** Undefined if it has no normal form. */
  readonly isNormal?: boolean;
  /** Whether the line table of the module says columns; undefined before 3.11. No module is compiled without any. */
  readonly hasColumns?: boolean;
  /** Why it cannot be read. */
  readonly damage?: string;
}

/**
 * Reads the code of a pyc with a whole header. Whether its values and instructions make sense is not looked at:
 * compiling the source again tells.
 * @param layout of the code objects of the interpreter that wrote it
 * @returns nothing of code that would take too much time or space
 */
export function codeFactsOf(pyc: Buffer, layout: CodeLayout): CodeFacts {
  reader ??= new ObjectReader();
  try {
    const read = reader.read(pyc, releaseOf(pyc.readUInt16LE(0)).headerSizeBytes, layout);
    if ('unreadable' in read) return { damage: read.unreadable };
    return factsOf(reader, read.root, pyc, layout);
  } catch (error) {
    if (error instanceof TooLarge) return {};
    throw error;
  }
}

/** Shared by all calls, which reuse its memory. */
let reader: ObjectReader | undefined;

function factsOf(read: ObjectReader, root: number, pyc: Buffer, layout: CodeLayout): CodeFacts {
  const { objects } = read;
  if (objects.types.at(root) !== marshalType.code) return { damage: 'not a code object' };
  const isNormal = read.isNormal();
  const field = (at: number) => {
    const object = objects.child(root, at);
    return { type: objects.types.at(object), offset: objects.offsets.at(object), sizeBytes: objects.sizes.at(object) };
  };
  const path = field(layout.objects.indexOf('filename'));
  const lines = field(layout.objects.length + layout.tail.indexOf('linetable'));
  return {
    isNormal,
    ...(isString(path.type) ? { recordedPath: textOf(pyc, path) } : {}),
    ...(releaseOf(pyc.readUInt16LE(0)).hasColumns && {
      hasColumns: saysColumns(pyc.subarray(lines.offset + 5, lines.offset + lines.sizeBytes)),
    }),
  };
}

/**
 * Whether a line table has an entry with columns. The first byte of an entry has its top bit set, and its kind below.
 * @see Objects/locations.md of CPython (InternalDocs/code_objects.md since 3.14)
 */
function saysColumns(table: Buffer): boolean {
  return table.some((byte) => byte >= 0x80 && ![withoutColumns, withoutPlace].includes((byte >> 3) & 15));
}

const withoutColumns = 13;
const withoutPlace = 15;
