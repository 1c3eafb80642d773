import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { getAsset, isSea } from 'node:sea';

/** Whether the program is one executable that has all of its files in it. @see docs/images.md */
export function isOneExecutable(): boolean {
  return isSea();
}

/**
 * The text of a file that belongs to the program.
 * @param path beside the module that asks; in one executable only its name matters
 */
export function ownText(path: string): string {
  return isSea() ? getAsset(basename(path), 'utf8') : readFileSync(path, 'utf8');
}
