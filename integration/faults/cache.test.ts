import { expect, it } from 'vitest';
import { cacheCase } from './cache.ts';

it('has no wrong entries in its cache when builds that fill it are killed', async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const { tried, lost, notes } = await cacheCase(6, seed);
  expect({ seed, tried, lost, notes: lost > 0 ? notes : [] }).toEqual({ seed, tried: 6, lost: 0, notes: [] });
});
