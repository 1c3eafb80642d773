import { expect, it } from 'vitest';
import { killCase } from './kill.ts';

it('loses nothing when it or a worker is killed at any moment, and the next run gives the usual result', async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const { tried, lost, notes } = await killCase(6, seed);
  expect({ seed, tried, lost, notes: lost > 0 ? notes : [] }).toEqual({ seed, tried: 6, lost: 0, notes: [] });
});
