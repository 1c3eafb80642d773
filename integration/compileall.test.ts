import { describe, expect } from 'vitest';
import { itOnEachPython } from '../test/helpers/each-python.ts';
import { compareWithCompileall } from './helpers/compileall.ts';

/** Small enough for seconds, with every combination of docstrings and assertions in it. */
const slice = ['json', 'email', 'unittest', 'bisect.py', 'argparse.py', 'ast.py', 'this.py', '_markupbase.py'];

describe('the standard library', () => {
  itOnEachPython('is the same as with compileall of $name: bytes, modes and links', async (python) => {
    const { pycs, groups, differences, referenceBits } = await compareWithCompileall(python, slice);
    expect(differences).toEqual([]);
    // Other versions let it show in FLAG_REF bits which modules the process has loaded.
    if (['3.11', '3.12'].includes(python.minor)) expect(referenceBits).toEqual([]);
    expect(pycs).toBeGreaterThan(100);
    expect(groups).toBeLessThan(pycs);
  });
});
