import { describe, expect, it } from 'vitest';
import { PyclinkError } from '../../src/errors.ts';
import { type Step, systemLibraries, translateBrp } from '../../src/rpm/brp.ts';

const system = ['usr/lib/python*', 'usr/lib64/python*', 'app/lib/python*', 'app/lib64/python*'];
const leftOut = ['bin', 'sbin', ...system, '/usr/share/doc'];
const script = '/usr/lib/rpm/brp-python-bytecompile';
const excludes = leftOut.flatMap((glob) => ['--exclude', glob]);
const byDirectory = (...flags: string[]): Step => ({ kind: 'system', flags });
const elsewhere = (python: string, ...flags: string[]): Step => ({
  kind: 'rest',
  flags: ['--python', python, ...excludes, ...flags],
});

describe('translateBrp', () => {
  it.each<[string[], Step[]]>([
    [[], [byDirectory('--errors', 'warn')]],
    [[''], [byDirectory('--errors', 'warn')]],
    [['/usr/bin/python3'], [byDirectory('--errors', 'warn')]],
    [['/usr/bin/python3', '1'], [byDirectory('--errors', 'fail')]],
    [['', '1'], [byDirectory('--errors', 'fail')]],
    [['', '0'], [byDirectory('--errors', 'warn')]],
    [['', '2'], [byDirectory('--errors', 'fail')]],
    [['', '', '1'], [byDirectory('--errors', 'warn')]],
    [['python3', '', '0'], [byDirectory('--errors', 'warn')]],
    [
      ['python3', '1', '1'],
      [byDirectory('--errors', 'fail'), elsewhere('python3', '--errors', 'fail')],
    ],
    [['', '1', '', '-j4'], [byDirectory('--errors', 'fail', '-j4')]],
    [['', '1', '', ' -j4  --no-link '], [byDirectory('--errors', 'fail', '-j4', '--no-link')]],
    [['', '1', '', '-j'], [byDirectory('--errors', 'fail')]],
    [['-o', '0', 'a b', '--', script, '', '1', '', '-j4'], [byDirectory('--errors', 'fail', '-j4', '-o', '0', 'a b')]],
    [['--errors', 'fail', '--', script], [byDirectory('--errors', 'warn', '--errors', 'fail')]],
    [['--', script], [byDirectory('--errors', 'warn')]],
    [
      ['--existing', '-q', '--', script, 'python3', '1', '1'],
      [{ kind: 'existing', flags: ['--errors', 'fail', '-q'] }],
    ],
    [['-o', '0', '--'], []],
    [
      ['-j1', '--', script, 'python3', '0', '1', ''],
      [byDirectory('--errors', 'warn', '-j1'), elsewhere('python3', '--errors', 'warn', '-j1')],
    ],
  ])('bytecompile %j', (words, calls) => {
    expect(translateBrp('bytecompile', words)).toEqual(calls);
  });

  it.each<[string[], Step[]]>([
    [['python3', '/usr/share/a'], [{ kind: 'named', paths: ['/usr/share/a'], flags: ['--python', 'python3'] }]],
    [['a b', 'c d', 'e'], [{ kind: 'named', paths: ['c d', 'e'], flags: ['--python', 'a b'] }]],
    [['-o', '0', '--', 'python3', '/a'], [{ kind: 'named', paths: ['/a'], flags: ['--python', 'python3', '-o', '0'] }]],
  ])('py-byte-compile %j', (words, calls) => {
    expect(translateBrp('py-byte-compile', words)).toEqual(calls);
  });

  it('skips an interpreter that is a macro', () => {
    expect(translateBrp('py-byte-compile', ['-q', '--', '%{python3}', '/a'])).toEqual([
      { kind: 'none', reason: 'nothing compiled with %{python3}: there is no such macro', flags: ['-q'] },
    ]);
  });

  it.each<[string, string[], string]>([
    ['bytecompile', ['', '', '', '', ''], 'takes one to four arguments'],
    ['py-byte-compile', [], 'takes an interpreter and paths'],
    ['py-byte-compile', ['python3'], 'takes an interpreter and paths'],
    ['py-byte-compile', ['python3', ''], 'takes an interpreter and paths'],
    ['py-byte-compile', ['', '/a'], 'takes an interpreter and paths'],
    ['py-byte-compile', ['python3', '/a', ''], 'takes an interpreter and paths'],
    ['py-byte-compile', ['python3', '-O', '/a'], 'takes an interpreter without flags, not "-O"'],
    ['py-byte-compile', ['-o', '0', '--'], 'takes an interpreter and paths'],
    ['py-byte-compile', ['python3 -O', '/a'], 'takes an interpreter without flags, not "python3 -O"'],
    ['strip', [], 'no such step'],
    ['', [], 'no such step'],
  ])('refuses %s %j', (step, words, message) => {
    const translate = () => translateBrp(step, words);
    expect(translate).toThrow(PyclinkError);
    expect(translate).toThrow(message);
    expect(translate).toThrow(expect.objectContaining({ exitStatus: 2 }));
  });
});

describe('systemLibraries', () => {
  it.each([
    '/usr/lib/python3.11/a.py',
    '/usr/lib64/python3.9/site-packages/a.py',
    '/app/lib/python3.12/a.py',
    '/opt/rh/usr/lib64/python3.6/a.py',
    '/usr/lib/python3/dist-packages/a.py',
  ])('have %s in them', (path) => expect(systemLibraries.test(path)).toBe(true));

  it.each([
    '/usr/local/lib/python3.11/a.py',
    '/opt/acme/lib/python3.99/a.py',
    '/usr/lib64/pypy3.10/a.py',
    '/usr/lib64/python3.13t/a.py',
    '/usr/share/a.py',
    '/usr/lib/python3.11',
  ])('do not have %s in them', (path) => expect(systemLibraries.test(path)).toBe(false));
});
