import { describe, expect, it } from 'vitest';
import { workerEnvironment } from '../../src/compile/environment.ts';

const fixed = { LC_ALL: 'C.UTF-8', PYTHONHASHSEED: '0', PYTHONUTF8: '1', MALLOC_TOP_PAD_: '16000000' };

describe('workerEnvironment', () => {
  it.each([
    ['nothing', {}, fixed],
    ['what is not about Python or the locale', { PATH: '/bin', LANG: 'C' }, { ...fixed, PATH: '/bin', LANG: 'C' }],
    [
      'no PYTHON variable, known or not',
      { PYTHONPYCACHEPREFIX: '/x', PYTHONWARNINGS: 'error', PYTHONPATH: '/x', PYTHON_GIL: '0', PYTHONHASHSEED: '7' },
      fixed,
    ],
    ['no locale', { LC_ALL: 'tr_TR', LC_CTYPE: 'ja_JP.eucJP' }, fixed],
    ['a variable that only ends like one', { MYPYTHONPATH: '/x' }, { ...fixed, MYPYTHONPATH: '/x' }],
  ])('lets through %s', (_name, environment, expected) => {
    expect(workerEnvironment(environment)).toEqual(expected);
  });

  it.each([
    ['nothing', {}, {}],
    ['a cache', { forCache: true }, { PYCLINK_CACHE: '1' }],
    ['no columns', { debugRanges: false }, { PYTHONNODEBUGRANGES: '1' }],
    ['columns', { debugRanges: true }, {}],
  ])("says that workers work for %s, whatever the caller's variables are", (_name, mode, expected) => {
    const callers = { PYCLINK_CACHE: '2', PYTHONNODEBUGRANGES: '2' };
    expect(workerEnvironment(callers, mode)).toEqual({ ...fixed, ...expected });
  });
});
