import { expect, it } from 'vitest';
import { describeWith, missingTools } from '../helpers/tools.ts';
import { inputCase } from './input.ts';

describeWith(missingTools('dpkg-deb', 'rpmbuild', 'rpm2archive', 'zip'), 'hostile input', () => {
  it('is read, or refused with a reason, and changes nothing', async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    const { tried, lost, notes } = await inputCase(800, seed);
    expect({ seed, tried, lost, notes: lost > 0 ? notes : [] }).toEqual({ seed, tried: 800, lost: 0, notes: [] });
  }, 60_000);
});
