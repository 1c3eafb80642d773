import { readFileSync } from 'node:fs';
import { lstatIfAny } from '../files/lstat.ts';

/** The text of a file; empty if it does not exist. */
export function textIfAny(file: string): string {
  return lstatIfAny(file)?.isFile() ? readFileSync(file, 'utf8') : '';
}
