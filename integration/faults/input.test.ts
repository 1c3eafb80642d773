import { expect, it } from 'vitest';
import { inputCase } from './input.ts';

it('reads damaged and hostile input, or says in a line why not, and touches nothing', async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const { tried, lost, notes } = await inputCase(800, seed);
  expect({ seed, tried, lost, notes: lost > 0 ? notes : [] }).toEqual({ seed, tried: 800, lost: 0, notes: [] });
}, 60_000);
