import { expect, it } from 'vitest';
import { refusalsCase } from './refusals.ts';

it('loses no other file when a call on one file or directory fails, and reports which and why', async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const { tried, lost, notes } = await refusalsCase(20, seed);
  expect({ seed, tried, lost, notes: lost > 0 ? notes : [] }).toEqual({ seed, tried: 20, lost: 0, notes: [] });
}, 240_000);
