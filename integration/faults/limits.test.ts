import { expect, it } from 'vitest';
import { describeWith, missingRoot } from '../helpers/tools.ts';
import { limitsCase } from './limits.ts';

describeWith(missingRoot(), 'a process that is limited', () => {
  it('loses nothing, and reports what it could not do', async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    const { tried, lost, notes } = await limitsCase(4, seed);
    expect({ seed, tried, lost, notes: lost > 0 ? notes : [] }).toEqual({ seed, tried: 4, lost: 0, notes: [] });
  }, 60_000);
});
