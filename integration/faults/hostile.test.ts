import { expect, it } from 'vitest';
import { describeWith, missingRoot, missingTools } from '../helpers/tools.ts';
import { hostileCase, hostileTrials } from './hostile.ts';

describeWith([...missingRoot(), ...missingTools('chattr')], 'a hostile tree', () => {
  it('costs at most the file that is at fault, which is named', async () => {
    const rounds = Object.keys(hostileTrials).length;
    expect(await hostileCase(rounds, 0)).toEqual({ tried: rounds, survived: rounds, lost: 0, notes: [] });
  }, 120_000);
});
