import { setImmediate } from 'node:timers/promises';

/**
 * Yields the items. Pauses every few milliseconds for signals and streams: a handled signal cannot end the process
 * while a loop runs without a break.
 */
export async function* inTurns<T>(items: Iterable<T>): AsyncGenerator<T> {
  let turn = performance.now();
  for (const item of items) {
    yield item;
    if (performance.now() - turn < turnMs) continue;
    await setImmediate();
    turn = performance.now();
  }
}

const turnMs = 50;

/** Splits a list into pieces. */
export function* pieces<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
