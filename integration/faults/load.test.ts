import { expect, it } from 'vitest';
import { loadCase } from './load.ts';

it('leaks no descriptors and no ended workers over many sources', async () => {
  const { tried, lost, notes } = await loadCase(1000);
  expect({ tried, lost, notes: lost > 0 ? notes : [] }).toEqual({ tried: 1000, lost: 0, notes: [] });
}, 60_000);
