import fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, it } from 'vitest';
import { excluder, globMatcher } from '../../src/buildroot/exclude.ts';
import type { PayloadPath, StagedPath } from '../../src/files/path.ts';

describe('globMatcher', () => {
  it.each([
    [[], '/usr/lib/a.py', false],
    [['a.py'], '/usr/lib/a.py', true],
    [['a.py'], '/a.py', true],
    [['/'], '/usr/a.py', true],
    [['a.py'], '/usr/lib/aa.py', false],
    [['a.py'], '/usr/lib/a.py/b.py', true],
    [['tests'], '/usr/tests/deep/er/a.py', true],
    [['tests/'], '/usr/tests/a.py', true],
    [['tests'], '/usr/mytests/a.py', false],
    [['tests/data'], '/usr/lib/tests/data/a.py', true],
    [['tests/data'], '/usr/lib/tests/other/data/a.py', false],
    [['/usr/lib'], '/usr/lib/a.py', true],
    [['/usr/lib'], '/opt/usr/lib/a.py', false],
    [['/usr/*/a.py'], '/usr/lib/a.py', true],
    [['/usr/*/a.py'], '/usr/lib/x/a.py', false],
    [['/usr/**/a.py'], '/usr/lib/x/a.py', true],
    [['b.py', 'a.*'], '/usr/a.py', true],
    [['{a,b}.py'], '/usr/b.py', true],
    [['[ab].py'], '/usr/c.py', false],
    [['[!ab].py'], '/usr/c.py', true],
    [['[!ab].py'], '/usr/a.py', false],
    [['[^ab].py'], '/usr/a.py', false],
    [['[[:digit:]].py'], '/usr/7.py', true],
    [['?.py'], '/usr/\n.py', true],
    [['*.py'], '/usr/.hidden/.a.py', true],
    [['/**/a.py'], '/usr/two\nlines/a.py', true],
    [['A.py'], '/usr/a.py', false],
    [['/usr//lib'], '/usr/lib/a.py', true],
    [['//usr/./lib//'], '/usr/lib/a.py', true],
    [['/usr/share/../lib'], '/usr/lib/a.py', true],
    [['/usr//lib/*.py'], '/usr/lib/a.py', true],
    [['./lib//a.py'], '/usr/lib/a.py', true],
    [['.'], '/usr/lib/a.py', false],
    [['*'], '/usr/lib/a.py', true],
    [['/*/lib'], '/usr/lib/deep/a.py', true],
    [['lib/*/a.py'], '/usr/lib/x/a.py', true],
    [['lib/*/a.py'], '/lib/x/a.py', true],
    [['/a[1].py'], '/a[1].py', true],
    [['/a[1].py'], '/a1.py', true],
    [['/usr/a+b.py'], '/usr/a+b.py', true],
    [['a+b.py'], '/usr/a+b.py', true],
    [['a$.py'], '/usr/a$.py', true],
    [['mytests'], '/usr/tests/a.py', false],
  ])('%j on %j is %s', async (globs, path, expected) => {
    expect((await globMatcher(globs))(path)).toBe(expected);
  });
});

describe('many globs', () => {
  /** A glob alone, as picomatch itself has it. */
  const alone = (glob: string) => {
    const anchored = glob.startsWith('/') ? glob.slice(1) : `**/${glob}`;
    const matches = picomatch([anchored, `${anchored}/**`], { dot: true, flags: 's', nonegate: true });
    return (path: string) => matches(path.slice(1));
  };

  it('match if one of them matches', () => {
    const part = fc.constantFrom(
      'a',
      'b',
      '.c',
      'a*',
      '*b',
      '**',
      '?',
      '{a,b}',
      '[ab]',
      'a+b',
      '@(a|b)',
      '!a',
      '\\\\a',
      'a\\$',
      'é',
    );
    const glob = fc
      .tuple(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 3 }))
      .map(([isAbsolute, parts]) => (isAbsolute ? '/' : '') + parts.join('/'));
    const path = fc
      .array(fc.constantFrom('a', 'b', '.c', 'ab', 'a+b', 'é', 'a\nb'), { minLength: 1, maxLength: 4 })
      .map((parts) => `/${parts.join('/')}`);
    return fc.assert(
      fc.asyncProperty(fc.array(glob, { minLength: 1, maxLength: 5 }), path, async (globs, one) => {
        expect((await globMatcher(globs))(one)).toBe(globs.some((each) => alone(each)(one)));
      }),
      { numRuns: 3000 },
    );
  });

  it('may be thousands', async () => {
    const globs = Array.from({ length: 5000 }, (_, i) => `/usr/lib/package-${i}/*/tests`);
    const matches = await globMatcher(globs);
    expect(matches('/usr/lib/package-4999/x/tests/a.py')).toBe(true);
    expect(matches('/usr/lib/package-5000/x/tests/a.py')).toBe(false);
  });
});

describe('excluder', () => {
  const staged = '/build/tree/usr/lib/a.py' as StagedPath;
  const payload = '/usr/lib/a.py' as PayloadPath;

  it.each([
    ['nothing', [], [], false],
    ['a regex that is somewhere in the staged path', [/tree\/usr/u], [], true],
    ['a regex anchored at the payload path', [/^\/usr/u], [], false],
    ['a glob that is the payload path', [], ['/usr/lib/a.py'], true],
    ['a glob that is the staged path', [], ['/build/tree/usr/lib/a.py'], false],
    ['the second of two regexes', [/x/u, /\.py$/u], [], true],
    ['a glob where a regex does not match', [/x/u], ['a.py'], true],
  ])('%s', async (_name, regexes, globs, expected) => {
    expect((await excluder(regexes, globs))(staged, payload)).toBe(expected);
  });

  it('gives the same answer the second time', async () => {
    const isExcluded = await excluder([/a\.py/u], []);
    expect([isExcluded(staged, payload), isExcluded(staged, payload)]).toEqual([true, true]);
  });
});
