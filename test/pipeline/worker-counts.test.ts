import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { threadsFor, workersFor, workersPerThread } from '../../src/pipeline/worker-counts.ts';

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
  ])('%d interpreters, %d sources, --keep-current: %s; %d threads', (workers, sources, keepsCurrent, threads) => {
    expect(threadsFor(workers, sources, keepsCurrent)).toBe(threads);
  });

  it('never uses more threads than interpreters, nor fewer with --keep-current', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 256 }), fc.integer({ min: 0, max: 100_000 }), (workers, sources) => {
        const [without, keeping] = [threadsFor(workers, sources, false), threadsFor(workers, sources, true)];
        expect(keeping).toBeLessThanOrEqual(workers);
        expect(without).toBeLessThanOrEqual(Math.ceil(workers / workersPerThread));
        expect(keeping).toBeGreaterThanOrEqual(without);
      }),
    );
  });
});

it('workersFor starts no more workers than the sources are worth, and at least one', () => {
  const sources = (count: number, sizeBytes: number) => Array.from({ length: count }, () => ({ sizeBytes }));
  expect(workersFor([], 8)).toBe(1);
  expect(workersFor(sources(1, 100), 8)).toBe(1);
  expect(workersFor(sources(10_000, 10_000), 8)).toBe(8);
});
