import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { releaseOf } from '../../src/pyc/releases.ts';
import { itOnEachPython } from '../helpers/each-python.ts';

const script = 'import importlib.util; print(int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little"))';

describe('releaseOf', () => {
  it.each([
    [160, 'PyPy3'],
    [336, 'PyPy3'],
    [3350, undefined],
    [3360, 'CPython 3.6'],
    [3379, 'CPython 3.6'],
    [3394, 'CPython 3.7'],
    [3413, 'CPython 3.8'],
    [3425, 'CPython 3.9'],
    [3439, 'CPython 3.10'],
    [3495, 'CPython 3.11'],
    [3531, 'CPython 3.12'],
    [3571, 'CPython 3.13'],
    [3627, 'CPython 3.14'],
    [3699, 'CPython 3.15'],
    [3700, undefined],
    [62211, undefined],
  ])('%i is %s', (magicNumber, name) => {
    expect(releaseOf(magicNumber).name).toBe(name);
  });

  itOnEachPython('knows $name by its magic number', ({ executable, minor }) => {
    const number = execFileSync(executable, ['-I', '-c', script], { encoding: 'utf8' });
    expect(releaseOf(Number(number)).name).toBe(`CPython ${minor}`);
  });
});
