import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Buildroot, isInside, locate, resolveGiven, toPayload, toStaged } from '../../src/buildroot/path.ts';
import {
  byCodeUnit,
  childOf,
  contains,
  nameOf,
  type PayloadPath,
  parentOf,
  plainPath,
  type StagedPath,
} from '../../src/files/path.ts';

const buildroot: Buildroot = { path: '/real/tree' as StagedPath, given: '/link' };
const system: Buildroot = { path: '/' as StagedPath, given: '/' };
/** A tree that will lie in /usr. */
const usr: Buildroot = { ...buildroot, installedAt: '/usr' as PayloadPath };

const component = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 6 })
  .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..');
const anyPlainPath = fc.array(component, { maxLength: 5 }).map((parts) => `/${parts.join('/')}` as PayloadPath);
const anyPath = fc
  .array(fc.oneof(component, fc.constantFrom('.', '..', '')), { maxLength: 8 })
  .map((parts) => `/${parts.join('/')}`);

describe('contains', () => {
  it.each([
    ['/a', '/a', true],
    ['/a', '/a/b', true],
    ['/a', '/ab', false],
    ['/a/b', '/a', false],
    ['/', '/', true],
    ['/', '/a', true],
  ])('of %s and %s is %s', (directory, path, expected) => {
    expect(contains(directory, path)).toBe(expected);
  });
});

describe('plainPath', () => {
  it.each([
    ['/', '/'],
    ['//', '/'],
    ['/a//b/', '/a/b'],
    ['/a/./b/.', '/a/b'],
    ['/a/../b', '/b'],
    ['/../../a', '/a'],
    ['/a/...', '/a/...'],
    ['/a\\..\\b', '/a\\..\\b'],
  ])('makes %s to %s', (path, expected) => {
    expect(plainPath(path)).toBe(expected);
  });

  it('does not change a plain path', () => {
    fc.assert(
      fc.property(anyPlainPath, (path) => {
        expect(plainPath(path)).toBe(path);
      }),
    );
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        expect(plainPath(plainPath(path))).toBe(plainPath(path));
      }),
    );
  });
});

describe('toPayload and toStaged', () => {
  it.each([
    [buildroot, '/usr/lib/a.py', '/real/tree/usr/lib/a.py'],
    [buildroot, '/', '/real/tree'],
    [system, '/usr/lib/a.py', '/usr/lib/a.py'],
    [system, '/', '/'],
    [usr, '/usr/lib/a.py', '/real/tree/lib/a.py'],
    [usr, '/usr', '/real/tree'],
  ])('in %o take %s to %s and back', (tree, payload, staged) => {
    expect(toStaged(tree, payload)).toBe(staged);
    expect(toPayload(tree, staged as StagedPath)).toBe(payload);
  });

  it('undo each other for every plain path', () => {
    fc.assert(
      fc.property(anyPlainPath, fc.constantFrom(buildroot, system), (path, tree) => {
        const staged = toStaged(tree, path);
        expect(toPayload(tree, staged)).toBe(path);
        expect(toStaged(tree, toPayload(tree, staged))).toBe(staged);
      }),
    );
  });

  it.each(['/', '/usrlib', '/lib/a.py', '/usr/../a.py'])('refuse %s in a tree for /usr', (path) => {
    expect(isInside(usr, path)).toBe(false);
    expect(() => toStaged(usr, path)).toThrow(new RangeError(`${path} is not below /usr`));
    expect(locate(usr, path)).toBeUndefined();
  });

  it('never stage a path outside the buildroot, whatever ".." is in it', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        expect(contains(buildroot.path, toStaged(buildroot, path))).toBe(true);
      }),
    );
  });

  it.each(['/real/treeless/a', '/real', '/link/a'])('have no payload path for %s', (staged) => {
    expect(() => toPayload(buildroot, staged as StagedPath)).toThrow(
      new RangeError(`${staged} is not below /real/tree`),
    );
  });
});

describe('locate', () => {
  it.each([
    ['usr/lib', undefined],
    ['', undefined],
    ['/usr/lib', '/real/tree/usr/lib'],
    ['/real/tree/usr/lib/', '/real/tree/usr/lib'],
    ['/link/usr/lib', '/real/tree/usr/lib'],
    ['/linked/usr', '/real/tree/linked/usr'],
    ['/real/tree', '/real/tree'],
    ['/', '/real/tree'],
    ['/link/../etc', '/real/tree/etc'],
    ['/real/tree/../../etc', '/real/tree/etc'],
  ])('reads %s as %s', (argument, staged) => {
    expect(locate(buildroot, argument)).toBe(staged);
  });

  it('takes a path as installed or in the buildroot, in a tree for /usr', () => {
    expect(locate(usr, '/usr/lib')).toBe('/real/tree/lib');
    expect(locate(usr, '/link/lib')).toBe('/real/tree/lib');
  });
});

describe('resolveGiven', () => {
  it.each([
    ['/link', '/real/tree'],
    ['/link/usr/', '/real/tree/usr'],
    ['/linked', '/linked'],
    ['/real/tree/usr', '/real/tree/usr'],
    ['/elsewhere//x', '/elsewhere/x'],
  ])('reads %s as %s', (directory, resolved) => {
    expect(resolveGiven(buildroot, directory)).toBe(resolved);
  });
});

describe('the parts of a path', () => {
  it.each([
    ['/a/b', '/a', 'b'],
    ['/a', '/', 'a'],
    ['/a/b\n/c', '/a/b\n', 'c'],
  ])('%j lies in %j as %j', (path, directory, name) => {
    expect([parentOf(path as PayloadPath), nameOf(path)]).toEqual([directory, name]);
  });

  it('join to the same path', () => {
    fc.assert(
      fc.property(anyPlainPath, component, (directory, name) => {
        const path = childOf(directory, name);
        expect([parentOf(path), nameOf(path)]).toEqual([directory, name]);
      }),
    );
  });
});

describe('byCodeUnit', () => {
  it('sorts capitals first, and by code unit, not by code point or locale', () => {
    expect(['é', 'z', '\uff5e', '😀', 'a', 'B', '', 'a/'].sort(byCodeUnit)).toEqual([
      '',
      'B',
      'a',
      'a/',
      'z',
      'é',
      '😀',
      '\uff5e',
    ]);
  });

  it('says that equal strings are equal', () => {
    expect(byCodeUnit('a', 'a')).toBe(0);
  });
});
