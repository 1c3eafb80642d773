import { expect, it } from 'vitest';
import { swapCase } from './swap.ts';

it('changes nothing outside while directories are swapped for symlinks to there', async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const { tried, lost, notes } = await swapCase(300, seed);
  expect({ seed, lost, notes: lost > 0 ? notes : [] }).toEqual({ seed, lost: 0, notes: [] });
  expect(tried).toBeGreaterThanOrEqual(300);
});
