import { readFileSync } from 'node:fs';
import { lstatIfAny } from '../files/lstat.ts';

/** The text of a file that need not be there. */
export function textIfAny(file: string): string {
  return lstatIfAny(file)?.isFile() ? readFileSync(file, 'utf8') : '';
}
