import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import { expandPatterns } from '../../src/buildroot/path-patterns.ts';
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
