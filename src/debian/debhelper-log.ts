import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { textIfAny } from './text-if-any.ts';

/** Records that an override has called a command for a package. @see debhelper(7), --remaining-packages */
export function logRun(source: string, name: string, command: string): void {
  appendFileSync(logOf(source, name), `${command}\n`);
}

/** Whether an override has called dh_pyclink for a package. */
export function hasRun(source: string, name: string): boolean {
  return textIfAny(logOf(source, name)).split('\n').includes('dh_pyclink');
}

function logOf(source: string, name: string): string {
  return join(source, `debian/${name}.debhelper.log`);
}
