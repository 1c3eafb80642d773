import { errnoOf } from '../errors.ts';

/** Runs `work`, whose failure does not matter. @returns undefined if the system refused */
export function ifPossible<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
