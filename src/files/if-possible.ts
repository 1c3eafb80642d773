import { errnoOf } from '../errors.ts';

/** Runs `work`. @param then called with the system's error, if the system refused @returns the result of either */
export function ifRefused<T, R>(work: () => T, then: (error: unknown) => R): T | R {
  try {
    return work();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return then(error);
  }
}

/** Runs `work`. @param then called if the system refused with this error @returns the result of either */
export function ifErrno<T>(errno: string, work: () => T): T | undefined;
export function ifErrno<T, R>(errno: string, work: () => T, then: () => R): T | R;
export function ifErrno<T, R>(errno: string, work: () => T, then?: () => R): T | R | undefined {
  try {
    return work();
  } catch (error) {
    if (errnoOf(error) !== errno) throw error;
    return then?.();
  }
}

/** Runs `work`, whose failure does not matter. @returns undefined if the system refused */
export function ifPossible<T>(work: () => T): T | undefined {
  return ifRefused(work, () => undefined);
}
