import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { getAsset, isSea } from 'node:sea';

/** Whether the program is a single executable that contains all of its files. @see docs/images.md */
export function isOneExecutable(): boolean {
  return isSea();
}

/**
 * The text of a file that belongs to the program.
 * @param path next to the calling module; in a single executable only the name matters
 */
export function ownText(path: string): string {
  return isSea() ? getAsset(basename(path), 'utf8') : readFileSync(path, 'utf8');
}
