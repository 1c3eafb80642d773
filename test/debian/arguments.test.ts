import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globMatcher } from '../../src/buildroot/exclude.ts';
import { readDebhelperCall } from '../../src/debian/arguments.ts';

const nothing = {
  help: false,
  isOfSome: false,
  verify: false,
  quiet: false,
  selection: [],
  onlyRemaining: false,
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
    [['-pshop', '-Nother', '-a'], { selection: ['--package=shop', '--no-package=other', '--arch'] }],
    [
      ['-p', 'shop', '--package=till', '--no-package', 'x'],
      { selection: ['--package=shop', '--package=till', '--no-package=x'] },
    ],
    [['-i', '--remaining-packages'], { selection: ['--indep'], onlyRemaining: true }],
    [['-sn'], { selection: ['--same-arch'], noScripts: true }],
    [['/opt/venvs/shop', '--noscripts'], { directories: ['/opt/venvs/shop'], noScripts: true }],
    [['opt//shop/', '--no-scripts'], { directories: ['/opt/shop'], noScripts: true }],
    [
      ['-Pdebian/tmp', '-Xtests', '--exclude=docs', '-X', 'a*b'],
      { packageDirectory: 'debian/tmp', excludeGlobs: ['/**/*tests*', '/**/*docs*', '/**/*a\\*b*'] },
    ],
    [['-P', 'debian/tmp', '--exclude', '/tests/'], { packageDirectory: 'debian/tmp', excludeGlobs: ['/**/tests/*'] }],
    [['-v', '--no-act', '--lintian-overrides'], { verbose: true, noAct: true, lintianOverrides: true }],
    [['-O--buildsystem=pybuild', '-O-v', '-O-pshop'], { verbose: true, selection: ['--package=shop'] }],
    [['--verify', '-h'], { verify: true, help: true }],
    [['--postinst=bcep', '--manifest-dir', 'out'], { postinst: 'bcep', manifestDirectory: 'out' }],
    [['--mainpackage=shop', '--mainpackage', 'till', '--', '-o', '0'], { buildFlags: ['-o', '0'] }],
  ])('reads %j', (words, expected) => {
    expect(readDebhelperCall(words, {})).toEqual({ ...nothing, ...expected });
  });

  it('takes what dh hands down, but leaves the choice of packages to dh_listpackages', () => {
    const environment = {
      DH_INTERNAL_OPTIONS: '-a\x1e-O--buildsystem=pybuild\x1e-O-Xtests\x1e-Nshop',
      DH_OPTIONS: ' -n --frobnicate -Pdebian/tmp',
      DH_VERBOSE: '1',
      DH_NO_ACT: '',
    };
    expect(readDebhelperCall(['-pshop'], environment)).toEqual({
      ...nothing,
      selection: ['--package=shop'],
      noScripts: true,
      packageDirectory: 'debian/tmp',
      excludeGlobs: ['/**/*tests*'],
      verbose: true,
    });
  });

  it.each([
    [['--postinst=never'], 'dh_pyclink: --postinst takes keep, bcep or strip'],
    [['--frobnicate'], "dh_pyclink: Unknown option '--frobnicate'"],
  ])('refuses %j', (words, message) => {
    expect(() => readDebhelperCall(words, {})).toThrow(expect.objectContaining({ code: 'usage', message }));
  });
});

const text = fc
  .string({ minLength: 1, unit: 'grapheme' })
  .filter((value) => !/[\n\0]|^\.{1,2}$|\/\/|\/\.{0,2}\//.test(value));

it('-X leaves out what has the text in its name, whatever the text is', () => {
  fc.assert(
    fc.property(text, (value) => {
      const [glob = ''] = readDebhelperCall([`--exclude=${value}`], {}).excludeGlobs;
      expect(globMatcher([glob])(`/usr/share/a${value}b.py`)).toBe(true);
      expect(globMatcher([glob])('/usr')).toBe('/usr'.includes(value));
    }),
  );
});
