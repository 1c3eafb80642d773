import { expect, it } from 'vitest';
import { twoCase } from './two.ts';

it('does not harm another run on the same buildroot, nor a Python that imports', async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  expect({ seed, ...(await twoCase(4, seed)) }).toEqual({ seed, tried: 4, survived: 4, lost: 0, notes: [] });
}, 60_000);
