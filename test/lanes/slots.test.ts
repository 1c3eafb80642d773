import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpretersPerThread, slotsFor, threadsFor } from '../../src/lanes/slots.ts';

describe('threadsFor', () => {
  it.each([
    [1, 100_000, false, 0],
    [3, 100_000, false, 0],
    [4, 100_000, false, 1],
    [5, 100_000, false, 2],
    [16, 100_000, false, 4],
    [1, 100_000, true, 0],
    [2, 399, true, 0],
    [2, 400, true, 2],
    [16, 100_000, true, 8],
    [64, 100_000, true, 16],
  ])('%d interpreters, %d sources, --keep-current: %s; %d threads', (slots, sources, keepsCurrent, threads) => {
    expect(threadsFor(slots, sources, keepsCurrent)).toBe(threads);
  });

  it('never gives more threads than interpreters, nor fewer with --keep-current', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 256 }), fc.integer({ min: 0, max: 100_000 }), (slots, sources) => {
        const [without, keeping] = [threadsFor(slots, sources, false), threadsFor(slots, sources, true)];
        expect(keeping).toBeLessThanOrEqual(slots);
        expect(without).toBeLessThanOrEqual(Math.ceil(slots / interpretersPerThread));
        expect(keeping).toBeGreaterThanOrEqual(without);
      }),
    );
  });
});

it('slotsFor starts no more workers than the sources are worth, and at least one', () => {
  const sources = (count: number, sizeBytes: number) => Array.from({ length: count }, () => ({ sizeBytes }));
  expect(slotsFor([], 8)).toBe(1);
  expect(slotsFor(sources(1, 100), 8)).toBe(1);
  expect(slotsFor(sources(10_000, 10_000), 8)).toBe(8);
});
