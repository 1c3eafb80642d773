import { setImmediate } from 'node:timers/promises';

/**
 * Passes the items on. Every few milliseconds signals and streams have their turn: while a loop runs without a break,
 * a signal that is handled does not end the process.
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

/** Divides a list, for work that is done in turns. */
export function* pieces<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
