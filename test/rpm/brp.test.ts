import { describe, expect, it } from 'vitest';
import { PyclinkError } from '../../src/errors.ts';
import { type BuildCall, translateBrp } from '../../src/rpm/brp.ts';

const leftOut = ['bin', 'sbin', 'lib/python*', 'lib64/python*', 'lib/pypy*', 'lib64/pypy*', '/usr/share/doc'];
const excludes = leftOut.flatMap((glob) => ['--exclude', glob]);
const byDirectory = (...flags: string[]): BuildCall => ({ paths: [], flags });
const elsewhere = (python: string, ...flags: string[]): BuildCall => ({
  paths: ['/'],
  flags: ['--python', python, ...excludes, ...flags],
});

describe('translateBrp', () => {
  it.each<[string[], BuildCall[]]>([
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
    [['', '1', '', '-j4', '--', '-o', '0', 'a b'], [byDirectory('--errors', 'fail', '-j4', '-o', '0', 'a b')]],
    [['--', '--errors', 'fail'], [byDirectory('--errors', 'warn', '--errors', 'fail')]],
    [['', '--', '--'], [byDirectory('--errors', 'warn', '--')]],
    [
      ['python3', '0', '1', '', '--', '-j1'],
      [byDirectory('--errors', 'warn', '-j1'), elsewhere('python3', '--errors', 'warn', '-j1')],
    ],
  ])('bytecompile %j', (words, calls) => {
    expect(translateBrp('bytecompile', words)).toEqual(calls);
  });

  it.each<[string[], BuildCall[]]>([
    [['python3', '/usr/share/a'], [{ paths: ['/usr/share/a'], flags: ['--python', 'python3'] }]],
    [['a b', 'c d'], [{ paths: ['c d'], flags: ['--python', 'a b'] }]],
    [['python3', '/a', '--', '-o', '0'], [{ paths: ['/a'], flags: ['--python', 'python3', '-o', '0'] }]],
  ])('py-byte-compile %j', (words, calls) => {
    expect(translateBrp('py-byte-compile', words)).toEqual(calls);
  });

  it.each<[string, string[], string]>([
    ['bytecompile', ['', '', '', '', ''], 'takes one to four positions'],
    ['py-byte-compile', [], 'takes an interpreter and a path'],
    ['py-byte-compile', ['python3'], 'takes an interpreter and a path'],
    ['py-byte-compile', ['python3', ''], 'takes an interpreter and a path'],
    ['py-byte-compile', ['', '/a'], 'takes an interpreter and a path'],
    ['py-byte-compile', ['python3', '/a', '/b'], 'takes an interpreter and a path'],
    ['py-byte-compile', ['python3', '--', '/a'], 'takes an interpreter and a path'],
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
