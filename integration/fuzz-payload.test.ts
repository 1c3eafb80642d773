/** A short run of `npm run fuzz -- payload`. */
import { expect, it } from 'vitest';
import { fuzzPayload } from './helpers/fuzz-payload.ts';

it('audit reads or refuses archives that are garbled, nested, sparse or huge', async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const { read, refused, findings } = await fuzzPayload(60, seed);
  expect({ seed, findings }).toEqual({ seed, findings: [] });
  expect([read, refused].map((times) => times > 5)).toEqual([true, true]);
}, 240_000);
