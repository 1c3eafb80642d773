import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import { toStaged } from '../../src/buildroot/path.ts';
import { resolveInBuildroot, resolveParent } from '../../src/buildroot/resolve.ts';
import { contains, type PayloadPath } from '../../src/files/path.ts';
import { plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';

const planted = {
  'etc/motd': 'text',
  'usr/lib/a.py': 'text',
  'usr/lib/relative.py': { symlink: 'a.py' },
  'usr/lib/around.py': { symlink: '.././lib//a.py' },
  'usr/lib/absolute.py': { symlink: '/usr/lib/a.py' },
  'usr/lib/chain.py': { symlink: 'absolute.py' },
  'usr/lib/nothing.py': { symlink: 'missing.py' },
  'usr/lib/through-file.py': { symlink: 'a.py/b.py' },
  'usr/lib/slash.py': { symlink: 'a.py/' },
  'usr/lib/back.py': { symlink: 'a.py/../a.py' },
  'usr/lib/above.py': { symlink: '../../../etc/motd' },
  'usr/lib/host.py': { symlink: '/proc/version' },
  'usr/lib/climbs.py': { symlink: '/usr/../../etc/motd' },
  'usr/lib/loop.py': { symlink: 'pool.py' },
  'usr/lib/pool.py': { symlink: 'loop.py' },
  'usr/lib/self': { symlink: '.' },
  lib: { symlink: 'usr/lib' },
  lib64: { symlink: '/usr/lib' },
  away: { symlink: '..' },
} as const;

describe('resolveInBuildroot', () => {
  it.each([
    ['/', { kind: 'inside', path: '/', physical: true }],
    ['/usr/lib/a.py', { kind: 'inside', path: '/usr/lib/a.py', physical: true }],
    ['/usr/lib/relative.py', { kind: 'inside', path: '/usr/lib/a.py', physical: true }],
    ['/usr/lib/around.py', { kind: 'inside', path: '/usr/lib/a.py', physical: true }],
    ['/lib/a.py', { kind: 'inside', path: '/usr/lib/a.py', physical: true }],
    ['/usr/lib/self/self/a.py', { kind: 'inside', path: '/usr/lib/a.py', physical: true }],
    ['/usr/lib/absolute.py', { kind: 'inside', path: '/usr/lib/a.py', physical: false }],
    ['/usr/lib/chain.py', { kind: 'inside', path: '/usr/lib/a.py', physical: false }],
    ['/lib64/a.py', { kind: 'inside', path: '/usr/lib/a.py', physical: false }],
    ['/lib64/relative.py', { kind: 'inside', path: '/usr/lib/a.py', physical: false }],
    ['/usr/lib/nothing.py', { kind: 'dangling' }],
    ['/usr/lib/through-file.py', { kind: 'dangling' }],
    ['/usr/lib/slash.py', { kind: 'dangling' }],
    ['/usr/lib/back.py', { kind: 'dangling' }],
    ['/usr/lib/missing.py', { kind: 'dangling' }],
    ['/usr/lib/loop.py', { kind: 'dangling' }],
    ['/usr/lib/above.py', { kind: 'outside' }],
    ['/usr/lib/host.py', { kind: 'outside' }],
    ['/usr/lib/climbs.py', { kind: 'inside', path: '/etc/motd', physical: false }],
    ['/lib64/nothing.py', { kind: 'outside' }],
    ['/away', { kind: 'outside' }],
  ])('says of %s: %o', (path, expected) => {
    const buildroot = openTree(plantBuildroot(planted));
    const inside = 'path' in expected ? { ...expected, path: toStaged(buildroot, expected.path) } : expected;
    expect(resolveInBuildroot(buildroot, toStaged(buildroot, path))).toEqual(inside);
  });

  it.each([
    [40, 'inside'],
    [41, 'dangling'],
  ])('after %i symlinks says: %s', (count, kind) => {
    const links = Array.from({ length: count }, (_, i) => [`link${i}`, { symlink: i === 0 ? 'file' : `link${i - 1}` }]);
    const buildroot = openTree(plantBuildroot({ file: 'text', ...Object.fromEntries(links) }));
    expect(resolveInBuildroot(buildroot, toStaged(buildroot, `/link${count - 1}`)).kind).toBe(kind);
  });

  it('resolves absolute symlinks as the kernel does if the tree is the whole system', () => {
    const directory = temporaryDirectory();
    symlinkSync(directory, join(directory, 'self'));
    const system = openTree('/');
    expect(resolveInBuildroot(system, toStaged(system, `${directory}/self/self`))).toEqual({
      kind: 'inside',
      path: directory,
      physical: true,
    });
  });

  it.each([
    ['/usr/lib/absolute.py', { kind: 'inside', path: '/usr/lib/a.py', physical: false }],
    ['/usr/lib/slashes.py', { kind: 'inside', path: '/usr/lib/a.py', physical: false }],
    ['/usr/lib/relative.py', { kind: 'inside', path: '/usr/lib/a.py', physical: true }],
    ['/usr/lib/etc.py', { kind: 'outside' }],
    ['/usr/lib/climbs.py', { kind: 'outside' }],
    ['/usr/lib/usrlib.py', { kind: 'outside' }],
    ['/usr/lib/nothing.py', { kind: 'outside' }],
  ])('in a tree for /usr, resolves %s to %o', (path, expected) => {
    const buildroot = {
      ...openTree(
        plantBuildroot({
          'lib/a.py': 'text',
          'lib/absolute.py': { symlink: '/usr/lib/a.py' },
          'lib/slashes.py': { symlink: '//usr//lib/a.py' },
          'lib/relative.py': { symlink: 'a.py' },
          'lib/etc.py': { symlink: '/etc/passwd' },
          'lib/climbs.py': { symlink: '/usr/../lib/a.py' },
          'lib/usrlib.py': { symlink: '/usrlib/a.py' },
          'lib/nothing.py': { symlink: '/usr/lib/missing.py' },
          'usr/lib/a.py': 'not this one',
        }),
      ),
      installedAt: '/usr' as PayloadPath,
    };
    const inside = 'path' in expected ? { ...expected, path: toStaged(buildroot, expected.path) } : expected;
    expect(resolveInBuildroot(buildroot, toStaged(buildroot, path))).toEqual(inside);
  });

  it('resolves relative symlinks as the kernel does', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const target = fc.array(fc.oneof(name, fc.constantFrom('.', '..')), { minLength: 1, maxLength: 4 });
    const place = fc.constantFrom('', 'a/', 'b/', 'a/b/');
    const links = fc.array(fc.tuple(place, name, target), { maxLength: 8 });
    const wanted = fc.array(name, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(links, wanted, (symlinks, names) => {
        const buildroot = openTree(plantBuildroot({ 'a/b': { directory: true }, b: { directory: true } }));
        for (const [directory, link, to] of symlinks) {
          ifFree(() => symlinkSync(to.join('/'), join(buildroot.path, directory, link)));
        }
        ifFree(() => mkdirSync(join(buildroot.path, 'c')));
        const staged = toStaged(buildroot, `/${names.join('/')}`);
        const resolved = resolveInBuildroot(buildroot, staged);
        const kernel = ifFree(() => realpathSync.native(staged));
        if (kernel !== undefined && contains(buildroot.path, kernel)) {
          expect(resolved).toEqual({ kind: 'inside', path: kernel, physical: true });
        } else {
          expect(['outside', 'dangling']).toContain(resolved.kind);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('resolveParent', () => {
  it.each([
    ['/', { kind: 'inside', path: '/', physical: true }],
    ['/lib', { kind: 'inside', path: '/lib', physical: true }],
    ['/lib/host.py', { kind: 'inside', path: '/usr/lib/host.py', physical: true }],
    ['/lib64/new.py', { kind: 'inside', path: '/usr/lib/new.py', physical: false }],
    ['/missing/a.py', { kind: 'dangling' }],
    ['/away/a.py', { kind: 'outside' }],
  ])('says of %s: %o', (path, expected) => {
    const buildroot = openTree(plantBuildroot(planted));
    const inside = 'path' in expected ? { ...expected, path: toStaged(buildroot, expected.path) } : expected;
    expect(resolveParent(buildroot, toStaged(buildroot, path))).toEqual(inside);
  });
});

/** The result of something that may be impossible. */
function ifFree<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
