import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith, missingRoot, missingTools } from '../helpers/tools.ts';
import { diskCase, diskTrials } from './disk.ts';

const fuse = existsSync('/dev/fuse') ? [] : ['/dev/fuse'];
const missing = [
  ...missingRoot(),
  ...missingTools('mount.exfat-fuse', 'mkfs.exfat', 'mkfs.ext4', 'fallocate'),
  ...fuse,
];

describeWith(missing, 'a file system that is full, limited or foreign', () => {
  it('costs nothing that was there, and what could not be done is said', async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    const rounds = Object.keys(diskTrials).length;
    const { tried, notes } = await diskCase(rounds, seed);
    expect({ seed, tried, notes }).toEqual({ seed, tried: rounds, notes: [] });
  }, 120_000);
});
