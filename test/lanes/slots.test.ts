import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpretersPerLane, lanesFor, slotsFor } from '../../src/lanes/slots.ts';

describe('lanesFor', () => {
  it.each([
    [1, 100_000, false, 0],
    [3, 100_000, false, 0],
    [4, 100_000, false, 1],
    [16, 100_000, false, 4],
    [1, 100_000, true, 0],
    [2, 399, true, 0],
    [2, 400, true, 2],
    [16, 100_000, true, 8],
    [64, 100_000, true, 16],
  ])('%d slots, %d sources, a cache: %s; %d lanes', (slots, sources, hasCache, lanes) => {
    expect(lanesFor(slots, sources, hasCache)).toBe(lanes);
  });

  it('never gives more lanes than slots, nor fewer with a cache', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 256 }), fc.integer({ min: 0, max: 100_000 }), (slots, sources) => {
        const [without, withCache] = [lanesFor(slots, sources, false), lanesFor(slots, sources, true)];
        expect(withCache).toBeLessThanOrEqual(Math.max(slots, 0));
        expect(without).toBeLessThanOrEqual(Math.ceil(slots / interpretersPerLane));
        expect(withCache).toBeGreaterThanOrEqual(without);
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
