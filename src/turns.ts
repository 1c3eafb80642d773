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
