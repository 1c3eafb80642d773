import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import type { PycRecord } from '../../src/manifest/schema.ts';
import { directoriesToSearch, scopeOf } from '../../src/verify/scope.ts';
import { type DescribedEntry, describedPayload, entryAt } from '../helpers/payload.ts';

const site = '/usr/lib/python3/dist-packages';
const symlink = (path: string, target: string) => entryAt(path, { type: 'symlink', target });

/** A manifest with these sources. */
function recordsOf(sources: readonly string[]): PycRecord[] {
  const rest = { sizeBytes: 1, sha256: '', mode: '0644', invalidationMode: 'timestamp' } as const;
  return sources.map((source) => ({ source: source as PayloadPath, paths: [], ...rest }));
}

/** Whether a module belongs to a manifest with these sources. */
function belongs(module: string, sources: readonly string[], entries: readonly DescribedEntry[] = [], isAlone = false) {
  const { payload } = describedPayload(entries);
  return scopeOf(recordsOf(sources), payload)(module as PayloadPath, isAlone);
}

const shop = [`${site}/shop/__init__.py`, `${site}/shop/till/cart.py`];

describe('scopeOf', () => {
  it.each<[string, string, readonly string[]]>([
    ['a module of the manifest', `${site}/shop/till/cart.py`, shop],
    ['a new module in a package of the manifest', `${site}/shop/evil.py`, shop],
    ['a new package in a package of the manifest', `${site}/shop/a/b/evil.py`, shop],
    ['a package beside a module of its name', `${site}/shop/__init__.py`, [`${site}/shop.py`]],
    ['what is in a package beside a module of its name', `${site}/shop/a/b.py`, [`${site}/shop.py`]],
    ['a module beside a package of its name', `${site}/shop.py`, shop],
    ['what makes a namespace a package', `${site}/space/__init__.py`, [`${site}/space/shop/__init__.py`]],
    ['a module beside a namespace of its name', `${site}/space.py`, [`${site}/space/shop/__init__.py`]],
    ['a new module beside a module that is in no package', `${site}/evil.py`, [`${site}/shop.py`]],
    ['what is below a program outside the known directories', '/usr/share/shop/a/b.py', ['/usr/share/shop/main.py']],
  ])('has %s', (_, module, sources) => {
    expect(belongs(module, sources)).toBe(true);
  });

  it.each<[string, string, readonly string[]]>([
    ['another package', `${site}/other/__init__.py`, shop],
    ['another module', `${site}/other.py`, shop],
    ['another package beside a module', `${site}/other/__init__.py`, [`${site}/shop.py`]],
    ['another part of a namespace', `${site}/space/other/__init__.py`, [`${site}/space/shop/__init__.py`]],
    ['a package of another name that begins alike', `${site}/shopping/__init__.py`, shop],
    [
      'site-packages, if it has a module of the standard library',
      '/usr/lib/python3.11/site-packages/a/b.py',
      ['/usr/lib/python3.11/os.py'],
    ],
    ['another program', '/usr/share/other/main.py', ['/usr/share/shop/main.py']],
  ])('has not %s', (_, module, sources) => {
    expect(belongs(module, sources)).toBe(false);
  });

  it('covers pycs without a source in all directories on the way to a module', () => {
    const sources = [`${site}/space/shop/__init__.py`];
    for (const module of [`${site}/evil.py`, `${site}/space/evil.py`, `${site}/space/shop/evil.py`]) {
      expect(belongs(module, sources, [], true), module).toBe(true);
    }
    expect(belongs(`${site}/other/evil.py`, sources, [], true)).toBe(false);
  });

  it.each([
    ['a package', `${site}/shop/new`, '../../../../share/evil', '/usr/share/evil/__init__.py'],
    ['a package of a package', `${site}/shop/new`, '/usr/share/evil', '/usr/share/evil/a/b.py'],
    ['a cache', `${site}/shop/__pycache__`, '/usr/share/evil', '/usr/share/evil/cart.py'],
  ])('covers the target of a symlink: %s', (_, path, target, module) => {
    expect(belongs(module, shop, [symlink(path, target), entryAt(module)])).toBe(true);
    expect(belongs(module, shop, [symlink(path.replace('/shop', '/other'), target), entryAt(module)])).toBe(false);
  });

  it('covers the cache of a top-level module, and symlinks to symlinks', () => {
    const chain = [symlink(`${site}/shop/new`, '/opt/one'), symlink('/opt/one/two', '/opt/three')];
    expect(belongs('/opt/three/evil.py', shop, chain)).toBe(true);
    expect(belongs('/opt/three/evil.py', shop, chain.slice(1))).toBe(false);
    const cache = [symlink(`${site}/__pycache__`, '/opt/cache')];
    expect(belongs('/opt/cache/evil.py', [`${site}/shop.py`], cache)).toBe(true);
  });

  it('supports a manifest whose paths go through symlinks', () => {
    const lib = [symlink('/lib', 'usr/lib')];
    expect(belongs('/usr/lib/python3/dist-packages/shop/evil.py', ['/lib/python3/dist-packages/shop/a.py'], lib)).toBe(
      true,
    );
  });
});

describe('directoriesToSearch', () => {
  it('lists directories on sys.path, and the outermost of others', () => {
    const sources = [...shop, '/usr/share/shop/a/b.py', '/usr/share/shop/main.py', '/usr/lib/python3.11/json/x.py'];
    expect(directoriesToSearch(recordsOf(sources))).toEqual([site, '/usr/share/shop', '/usr/lib/python3.11']);
  });
});
