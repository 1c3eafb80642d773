import { expect, it } from 'vitest';
import { describeWhere, describeWith, lackingAbilities, missingRoot, missingTools } from '../helpers/tools.ts';
import { overlayCase, overlayRounds } from './overlay.ts';

const right = { tried: overlayRounds, survived: overlayRounds, lost: 0, notes: [] };

it('does the same if inode numbers agree in their upper 53 bits', async () => {
  expect(await overlayCase(overlayRounds, false)).toEqual(right);
}, 120_000);

const missing = [...missingRoot(), ...missingTools('mkfs.btrfs')];
const lacking = missing.length > 0 ? [] : lackingAbilities('mounts', 'loop devices');

describeWith(missing, 'an overlay with xino=on over a btrfs', () => {
  describeWhere(lacking, 'where it can be mounted', () => {
    it('is built, linked and verified like any other tree', async () => {
      expect(await overlayCase(overlayRounds, true)).toEqual(right);
    }, 120_000);
  });
});
