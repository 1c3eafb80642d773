import { expect, it } from 'vitest';
import { describeWhere, describeWith, lackingAbilities, missingRoot, missingTools } from '../helpers/tools.ts';
import { diskCase, diskTrials } from './disk.ts';

const missing = [...missingRoot(), ...missingTools('mount.exfat-fuse', 'mkfs.exfat', 'mkfs.ext4', 'fallocate')];
const lacking = missing.length > 0 ? [] : lackingAbilities('mounts', 'loop devices', 'FUSE');
const name = 'a file system that is full, limited or foreign';

describeWith(missing, name, () => {
  describeWhere(lacking, 'where it can be mounted', () => {
    it('loses nothing, and reports what it could not do', async () => {
      const seed = Math.floor(Math.random() * 1_000_000);
      const rounds = Object.keys(diskTrials).length;
      const { tried, notes } = await diskCase(rounds, seed);
      expect({ seed, tried, notes }).toEqual({ seed, tried: rounds, notes: [] });
    }, 120_000);
  });
});
