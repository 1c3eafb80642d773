import { readFileSync } from 'node:fs';
import { lstatIfAny } from '../files/stat.ts';

/** The text of a file; empty if it does not exist. */
export function textIfAny(file: string): string {
  return lstatIfAny(file)?.kind === 'file' ? readFileSync(file, 'utf8') : '';
}
