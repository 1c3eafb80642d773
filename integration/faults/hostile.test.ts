import { expect, it } from 'vitest';
import { describeWhere, describeWith, lackingAbilities, missingRoot, missingTools } from '../helpers/tools.ts';
import { hostileCase, hostileTrials } from './hostile.ts';

const missing = [...missingRoot(), ...missingTools('chattr')];
const lacking = missing.length > 0 ? [] : lackingAbilities('immutable files');

describeWith(missing, 'a hostile tree', () => {
  describeWhere(lacking, 'with files that cannot be changed', () => {
    it('loses at most the file at fault, and reports it', async () => {
      const rounds = Object.keys(hostileTrials).length;
      expect(await hostileCase(rounds)).toEqual({ tried: rounds, survived: rounds, lost: 0, notes: [] });
    }, 120_000);
  });
});
