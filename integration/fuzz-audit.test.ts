/** A short run of `npm run fuzz -- audit`. */
import { expect, it } from 'vitest';
import { fuzzAudit } from './helpers/fuzz-audit.ts';

it('audit calls no mutated pyc sound that importlib does not load', async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const { sound, findings } = await fuzzAudit(10_000, seed);
  expect({ seed, findings: [...findings] }).toEqual({ seed, findings: [] });
  expect(sound).toBeGreaterThan(1000);
}, 120_000);
