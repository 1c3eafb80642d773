import { spawnSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import { expandPatterns } from '../../src/buildroot/path-patterns.ts';
import { byCodeUnit } from '../../src/files/path.ts';
import { plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';

const planted = {
  'usr/lib/x86_64-linux-gnu/shop/cart.py': '',
  'usr/lib/python3.11/site-packages/shop/cart.py': '',
  'usr/lib/python3.12/site-packages/shop/cart.py': '',
  'usr/lib/.hidden/shop/cart.py': '',
  'usr/lib/file': '',
  'usr/lib/[x]/shop/cart.py': '',
  'usr/lib/x/shop/cart.py': '',
  'usr/lib/{x,y}/shop/cart.py': '',
  'usr/lib/link': { symlink: 'x' },
  lib: { symlink: 'usr/lib' },
} as const;

describe('expandPatterns', () => {
  it.each([
    ['/usr/lib/python3.*', ['/usr/lib/python3.11', '/usr/lib/python3.12']],
    ['/usr/lib/python3.1[02-9]/site-packages', ['/usr/lib/python3.12/site-packages']],
    ['/usr/**/site-packages', ['/usr/lib/python3.11/site-packages', '/usr/lib/python3.12/site-packages']],
    ['/lib/x86_64-*/shop', ['/usr/lib/x86_64-linux-gnu/shop']],
    ['/usr/lib/[x]', ['/usr/lib/[x]']],
    ['/usr/lib/[wx]8*', ['/usr/lib/x86_64-linux-gnu']],
    ['/usr/lib/{x,y}*', ['/usr/lib/{x,y}']],
  ])('finds the directories that match %s', async (pattern, directories) => {
    const buildroot = openTree(plantBuildroot(planted));
    const staged = directories.map((directory) => join(buildroot.path, directory));
    for (const given of [pattern, buildroot.path + pattern]) {
      const paths = await expandPatterns(buildroot, [given]);
      // A path that exists is returned as it was given.
      expect(paths.map((path) => (path.startsWith(buildroot.path) ? path : buildroot.path + path))).toEqual(staged);
    }
  });

  it.each([
    '/usr/lib/f*',
    '/usr/lib/li*',
    '/usr/lib/*.py',
    '/elsewhere/*',
    '/usr/lib/plain',
    '/out/*',
    '',
    `/${'long'.repeat(99)}/*`,
  ])('returns %j as it is, which matches no directory', async (path) => {
    const root = plantBuildroot(planted);
    const outside = temporaryDirectory();
    symlinkSync(outside, join(root, 'out'));
    expect(await expandPatterns(openTree(root), [path])).toEqual([path]);
  });

  it('enters a buildroot whose own path is full of wildcards', async () => {
    const root = join(plantBuildroot({ '[ab]*?/usr/lib/python3.9/a.py': '' }), '[ab]*?');
    expect(await expandPatterns(openTree(root), ['/usr/lib/python3*'])).toEqual([join(root, 'usr/lib/python3.9')]);
  });
});

/** The directories that bash finds. Of an expanded variable it interprets wildcards only. */
function foundByBash(directory: string, pattern: string): string[] {
  const script = 'shopt -s nullglob; for found in $1/; do printf "%s\\0" "${found%/}"; done';
  const { stdout } = spawnSync('bash', ['-c', `IFS=; ${script}`, 'bash', pattern], {
    cwd: directory,
    encoding: 'utf8',
  });
  return stdout.split('\0').filter(Boolean).sort(byCodeUnit);
}

describe('a pattern', () => {
  const letter = fc.constantFrom(...'ab.!(){}|+@-^$, \\é'.split(''));
  const name = fc.string({ unit: letter, minLength: 1, maxLength: 4 }).filter((text) => !/^\.{1,2}$/.test(text));
  const piece = fc.oneof(
    letter.filter((one) => one !== '\\'),
    fc.constantFrom('*', '?', '[ab]', '[!a]', '[a-b]'),
  );
  const component = fc
    .array(piece, { minLength: 1, maxLength: 4 })
    .map((pieces) => pieces.join('').replace(/\*+/g, '*'))
    .filter((text) => !/^\.{1,2}$/.test(text));

  it('matches what it matches in bash', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(name, { minLength: 1, maxLength: 8 }),
        name,
        component,
        async (names, inner, pattern) => {
          const root = plantBuildroot(
            Object.fromEntries(names.map((one) => [`d/${one}/${inner}`, { directory: true }] as const)),
          );
          const buildroot = openTree(root);
          for (const given of [pattern, `*/${pattern}`]) {
            const expanded = await expandPatterns(buildroot, [`/d/${given}`]);
            const found = expanded.filter((path) => path.startsWith(`${buildroot.path}/d/`));
            const isLiteral = !/[*?[]/.test(given) || existsSync(join(root, 'd', given));
            if (isLiteral) expect(expanded).toEqual([`/d/${given}`]);
            else
              expect(found.map((path) => path.slice(buildroot.path.length + 3))).toEqual(
                foundByBash(join(root, 'd'), given),
              );
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it.each(['/d/file/*', '/d/loop/*'])('%s is returned as it is', async (pattern) => {
    const root = plantBuildroot({ 'd/file': '', 'd/loop': { symlink: 'loop' } });
    expect(await expandPatterns(openTree(root), [pattern])).toEqual([pattern]);
  });

  it('does not match __pycache__, at any depth', async () => {
    const root = plantBuildroot({ 'd/__pycache__/x': { directory: true }, 'd/e/__pycache__': { directory: true } });
    const tree = openTree(root);
    expect(await expandPatterns(tree, ['/d/*', '/d/**/*'])).toEqual([`${tree.path}/d/e`, `${tree.path}/d/e`]);
  });
});
