import type { CodeLayout } from '../pyc/releases.ts';
import { releaseOf } from '../pyc/releases.ts';
import { TooLarge } from './frozenset-order.ts';
import { ObjectReader } from './object-reader.ts';
import { isString, marshalType, textOf } from './types.ts';

/** Facts from the code of a pyc. */
export interface CodeFacts {
  /** The path for tracebacks: `co_filename` of the module. */
  readonly recordedPath?: string;
  /** Undefined if it cannot be normalized. */
  readonly isNormal?: boolean;
  /** Whether the module's line table contains columns; undefined before 3.11. Every module has some by default. */
  readonly hasColumns?: boolean;
  /** Why it cannot be read. */
  readonly damage?: string;
}

/**
 * Reads the code of a pyc whose header is complete. Does not check whether values and instructions make sense: only
 * compiling the source again can tell.
 * @param layout of the code objects of the interpreter that wrote it
 * @returns no facts about code that would take too much time or space
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

/** Shared by all calls to reuse its memory. */
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
 * Whether a line table contains an entry with columns. The first byte of an entry has the top bit set, and the kind
 * below it.
 * @see Objects/locations.md of CPython (InternalDocs/code_objects.md since 3.14)
 */
function saysColumns(table: Buffer): boolean {
  return table.some((byte) => byte >= 0x80 && ![withoutColumns, withoutPlace].includes((byte >> 3) & 15));
}

const withoutColumns = 13;
const withoutPlace = 15;
