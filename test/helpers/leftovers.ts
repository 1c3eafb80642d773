import { temporaryName } from '../../src/files/leftovers.ts';

/** The name of a temporary file that a process of this machine left. The default is no process's number. */
export function leftoverOf(pid = 999_999_999): string {
  return temporaryName().replace(/\d+/, `${pid}`);
}
