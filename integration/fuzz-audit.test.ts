/** A short run of `npm run fuzz -- audit`. */
import { expect, it } from 'vitest';
import { fuzzAudit } from './helpers/fuzz-audit.ts';

it('audit reports no mutated pyc as damaged that importlib loads', async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const { damaged, findings } = await fuzzAudit(10_000, seed);
  expect({ seed, findings: [...findings] }).toEqual({ seed, findings: [] });
  expect(damaged).toBeGreaterThan(1000);
}, 120_000);
