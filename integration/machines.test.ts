import { describe, expect, it } from 'vitest';
import { machines } from '../test/helpers/worlds.ts';
import { compareWithMachine } from './helpers/machines.ts';

/** Long integers, floats, complex numbers and frozensets are among their constants. */
const slice = ['ast.py', 'colorsys.py', 'datetime.py', 'json', 'locale.py', 'opcode.py', 'random.py', 'statistics.py'];

describe('a package that is built on another machine', () => {
  for (const machine of machines) {
    const { name, missing } = machine;
    const skipped = missing === undefined ? '' : `: SKIPPED, no world ${name}: ${missing}`;
    it.skipIf(missing !== undefined)(`has the same pycs on ${name}${skipped}`, async () => {
      const { pycs, differing } = await compareWithMachine(machine, slice);
      expect(differing).toEqual([]);
      expect(pycs).toBeGreaterThan(30);
    });
  }
});
