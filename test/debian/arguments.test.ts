import { describe, expect, it } from 'vitest';
import { readDebhelperCall } from '../../src/debian/arguments.ts';

const nothing = {
  selection: [],
  directories: [],
  packageDirectory: undefined,
  excludeGlobs: [],
  noScripts: false,
  verbose: false,
  noAct: false,
  postinst: 'keep',
  manifestDirectory: undefined,
  lintianOverrides: false,
  buildFlags: [],
};

describe('readDebhelperCall', () => {
  it.each<[string[], object]>([
    [[], {}],
    [['-pshop', '-Nother', '-a'], { selection: ['-pshop', '-Nother', '-a'] }],
    [
      ['-p', 'shop', '--package=till', '--no-package', 'x'],
      { selection: ['-pshop', '--package=till', '--no-package=x'] },
    ],
    [['-i', '--remaining-packages'], { selection: ['-i', '--remaining-packages'] }],
    [['/opt/venvs/shop', '-n'], { directories: ['/opt/venvs/shop'], noScripts: true }],
    [
      ['-Pdebian/tmp', '-Xtests', '--exclude=docs'],
      { packageDirectory: 'debian/tmp', excludeGlobs: ['/**/*tests*', '/**/*docs*'] },
    ],
    [['-v', '--no-act', '--lintian-overrides'], { verbose: true, noAct: true, lintianOverrides: true }],
    [['-O--buildsystem=pybuild', '-O-v', '-O-pshop'], { verbose: true, selection: ['-pshop'] }],
    [['--postinst=bcep', '--manifest-dir=out'], { postinst: 'bcep', manifestDirectory: 'out' }],
    [['--mainpackage=shop', '--', '-o', '0'], { buildFlags: ['-o', '0'] }],
  ])('reads %j', (words, expected) => {
    expect(readDebhelperCall(words, {})).toEqual({ ...nothing, ...expected });
  });

  it('takes what dh hands down, but leaves the choice of packages to dh_listpackages', () => {
    const environment = {
      DH_INTERNAL_OPTIONS: '-a\x1e-O--buildsystem=pybuild\x1e-Xtests',
      DH_VERBOSE: '1',
      DH_NO_ACT: '',
    };
    expect(readDebhelperCall(['-pshop'], environment)).toEqual({
      ...nothing,
      selection: ['-pshop'],
      excludeGlobs: ['/**/*tests*'],
      verbose: true,
    });
  });

  it.each([
    [['--postinst=never'], 'dh_pyclink: --postinst takes keep, bcep or strip'],
    [['--frobnicate'], 'dh_pyclink: unknown option --frobnicate'],
  ])('refuses %j', (words, message) => {
    expect(() => readDebhelperCall(words, {})).toThrow(expect.objectContaining({ code: 'usage', message }));
  });
});
