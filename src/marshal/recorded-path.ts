import type { CodeLayout } from '../pyc/releases.ts';
import { releaseOf } from '../pyc/releases.ts';
import { readMarshalTree } from './tree.ts';
import { isString } from './types.ts';
import { textOf } from './words.ts';

/**
 * The path that a pyc records for tracebacks: `co_filename` of its module.
 * @param layout of the code objects of the interpreter that wrote it
 * @returns undefined if the code cannot be read
 */
export function recordedPathOf(pyc: Buffer, layout: CodeLayout): string | undefined {
  const root = readMarshalTree(pyc, releaseOf(pyc.readUInt16LE(0)).headerSizeBytes, layout);
  if ('unreadable' in root) return undefined;
  const name = root.children[layout.objects.indexOf('filename')]?.target;
  return name !== undefined && isString(name.type) ? textOf(pyc, name) : undefined;
}
