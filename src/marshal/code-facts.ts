import type { CodeLayout } from '../pyc/releases.ts';
import { releaseOf } from '../pyc/releases.ts';
import { examine } from './normal-form.ts';
import { isString } from './types.ts';
import { textOf } from './words.ts';

/** What the code of a pyc says of itself. */
export interface CodeFacts {
  /** The path for tracebacks: `co_filename` of the module. */
  readonly recordedPath?: string;
  /** Undefined if it has no normal form. */
  readonly isNormal?: boolean;
}

/**
 * Reads the code of a pyc with a whole header to its last byte.
 * @param layout of the code objects of the interpreter that wrote it
 */
export function codeFactsOf(pyc: Buffer, layout: CodeLayout): CodeFacts | { readonly damage: string } {
  const examined = examine(pyc, releaseOf(pyc.readUInt16LE(0)).headerSizeBytes, layout);
  if (examined === undefined) return {};
  if ('unreadable' in examined) return { damage: examined.unreadable };
  if (examined.filename === undefined) return { damage: 'not a code object' };
  const { isNormal, filename } = examined;
  return isString(filename.type) ? { isNormal, recordedPath: textOf(pyc, filename) } : { isNormal };
}
