import { describe, expect, it } from 'vitest';
import { itOnEachPython } from '../test/helpers/each-python.ts';
import { fuzz } from './helpers/fuzz.ts';
import { checkNormalForm, checkReproducible } from './helpers/normal-form.ts';

/** Seconds' worth, with frozensets, names of many kinds, nested classes and sources of other encodings. */
const slice = ['json', 'bisect.py', 'argparse.py', 'ast.py', 'this.py', 'locale.py', 'dataclasses.py', 'opcode.py'];

describe('the normal form', () => {
  itOnEachPython('is the same code for $name, and unique', async (python) => {
    const names = slice.filter((name) => python.minor !== '3.6' || name !== 'dataclasses.py');
    const { pycs, rewritten, problems } = await checkNormalForm(python, names);
    expect(problems).toEqual([]);
    expect(pycs).toBeGreaterThan(30);
    expect(rewritten).toBeGreaterThan(pycs / 2);
  });

  itOnEachPython('does not depend on how $name was run', async (python) => {
    const names = ['json', 'argparse.py', 'ast.py', 'locale.py', 'enum.py', 'typing.py'];
    expect(await checkReproducible(python, names)).toEqual([]);
  });

  it('is given only to valid pycs, in bounded time and space', async () => {
    const { changed, findings, largestRatio, refused } = await fuzz(4000, 6);
    expect(findings).toEqual([]);
    expect(changed).toBeGreaterThan(500);
    expect(refused.size).toBeGreaterThan(8);
    expect(largestRatio).toBeLessThan(3);
  });
});
