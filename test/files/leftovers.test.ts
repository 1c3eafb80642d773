import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { removeLeftovers, temporaryName } from '../../src/files/leftovers.ts';
import { everythingIn, temporaryDirectory } from '../helpers/buildroot.ts';
import { leftoverOf } from '../helpers/leftovers.ts';

it('removes leftovers of ended processes, and old ones of processes elsewhere', () => {
  const directory = temporaryDirectory();
  const { pid } = spawnSync('true');
  const [ended, own, other, foreign] = [leftoverOf(pid), temporaryName(), leftoverOf(1), '.pyclink-notes'];
  // In a container with process ids of its own, a process of this number is at work.
  const elsewhere = `.pyclink-${pid}-${randomUUID()}`;
  for (const name of [ended, own, other, foreign, elsewhere]) writeFileSync(join(directory, name), '');
  removeLeftovers(directory);
  expect(everythingIn(directory)).toEqual([other, foreign, elsewhere].sort());
  vi.useFakeTimers({ now: Date.now() + 3_700_000 });
  onTestFinished(() => void vi.useRealTimers());
  removeLeftovers(directory);
  expect(everythingIn(directory)).toEqual([other, foreign].sort());
});
