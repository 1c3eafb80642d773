import { errnoOf } from '../errors.ts';

/** Does what one can do without: errors of the system are ignored. */
export function ifPossible(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}
