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
  const name = objects.child(root, layout.objects.indexOf('filename'));
  const [type, offset, sizeBytes] = [objects.types.at(name), objects.offsets.at(name), objects.sizes.at(name)];
  return {
    isNormal,
    ...(isString(type) ? { recordedPath: textOf(pyc, { type, offset, sizeBytes }) } : {}),
  };
}
