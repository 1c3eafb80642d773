import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import { levels, parsePycPath, pycPath } from '../../src/pyc/name.ts';
import { systemPython } from '../helpers/pythons.ts';

const component = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 8 })
  .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..');
const stem = fc.oneof(
  component,
  fc
    .array(fc.constantFrom('a', '.', 'opt-1', 'cpython-311', 'pyc', 'py', '-', ' '), { minLength: 1 })
    .map((p) => p.join('')),
);
const source = fc
  .tuple(fc.array(fc.oneof(component, fc.constant('__pycache__')), { maxLength: 3 }), stem)
  .map(([parts, name]) => `/${[...parts, `${name}.py`].join('/')}` as PayloadPath);
const cacheTag = fc.constantFrom('cpython-36', 'cpython-311', 'pypy39', 'cpython-313t');
const level = fc.constantFrom(...levels);

describe('pycPath', () => {
  it.each([
    ['/a/b.py', 'cpython-311', 0, '/a/__pycache__/b.cpython-311.pyc'],
    ['/a/b.py', 'cpython-311', 1, '/a/__pycache__/b.cpython-311.opt-1.pyc'],
    ['/b.py', 'pypy39', 2, '/__pycache__/b.pypy39.opt-2.pyc'],
    ['/a/b.c.py', 'cpython-36', 0, '/a/__pycache__/b.c.cpython-36.pyc'],
    ['/a/b.py.py', 'cpython-36', 0, '/a/__pycache__/b.py.cpython-36.pyc'],
    ['/a.py/b\n.py', 'cpython-36', 0, '/a.py/__pycache__/b\n.cpython-36.pyc'],
  ] as const)('of %j for %s at level %i is %j', (path, tag, atLevel, expected) => {
    expect(pycPath(path as string as PayloadPath, tag, atLevel)).toBe(expected);
  });

  it('is next to the source in the layout for zips', () => {
    expect(pycPath('/a/b.c.py' as PayloadPath, 'cpython-311', 2, 'zip')).toBe('/a/b.c.pyc');
  });

  it('is where the import system looks', () => {
    const names = ['/a/b.py', '/a/b-c d.py', '/a/__init__.py', '/a/b.c.py', '/é/😀.py'];
    const script =
      'import sys, json, importlib.util as u\n' +
      'print(json.dumps([[u.cache_from_source(n, optimization=o) for o in ("", 1, 2)] for n in sys.argv[1:]]))';
    const answer = execFileSync(systemPython.executable, ['-I', '-X', 'utf8', '-c', script, ...names], {
      encoding: 'utf8',
    });
    const ours = names.map((name) => levels.map((l) => pycPath(name as PayloadPath, systemPython.cacheTag, l)));
    expect(ours).toEqual(JSON.parse(answer));
  });
});

describe('parsePycPath', () => {
  it.each([
    ['/a/__pycache__/b.cpython-311.pyc', { source: '/a/b.py', cacheTag: 'cpython-311', level: 0 }],
    ['/a/__pycache__/b.cpython-311.opt-2.pyc', { source: '/a/b.py', cacheTag: 'cpython-311', level: 2 }],
    ['/__pycache__/b.pypy39.opt-1.pyc', { source: '/b.py', cacheTag: 'pypy39', level: 1 }],
    ['/a/__pycache__/b.c.cpython-36.pyc', { source: '/a/b.c.py', cacheTag: 'cpython-36', level: 0 }],
    [
      '/a/__pycache__/b.cpython-36.pyc.cpython-36.pyc',
      { source: '/a/b.cpython-36.pyc.py', cacheTag: 'cpython-36', level: 0 },
    ],
    ['/a/b.pyc', { source: '/a/b.py', cacheTag: undefined, level: 0 }],
    ['/a/b.pyo', { source: '/a/b.py', cacheTag: undefined, level: 1 }],
    ['/a/b.cpython-311.pyc', { source: '/a/b.cpython-311.py', cacheTag: undefined, level: 0 }],
    ['/a/__pycache__/b.pyc', undefined],
    ['/a/__pycache__/b.opt-1.pyc', undefined],
    ['/a/__pycache__/b.cpython-311.pyo', { source: '/a/b.py', cacheTag: 'cpython-311', level: 0 }],
    ['/a/b.opt-2.pyc', { source: '/a/b.py', cacheTag: undefined, level: 2 }],
    ['/a/__pycache__/.cpython-311.pyc', undefined],
    ['/a/__pycache__/b.cpython-311.opt-3.pyc', { source: '/a/b.py', cacheTag: 'cpython-311.opt-3', level: 2 }],
    ['/a/__pycache__/b.opt-3.pyc', undefined],
    ['/a/__pycache__/b.cpython-311.pyc\n', undefined],
    ['/a/__pycache__', undefined],
    ['/a/.pyc', undefined],
    ['/a/b.py', undefined],
    ['/a/b.pyc.bak', undefined],
    ['/', undefined],
  ])('of %j is %o', (path, expected) => {
    expect(parsePycPath(path as PayloadPath)).toEqual(expected);
  });

  it('reads back every name that pycPath makes', () => {
    fc.assert(
      fc.property(source, cacheTag, level, (path, tag, atLevel) => {
        expect(parsePycPath(pycPath(path, tag, atLevel))).toEqual({ source: path, cacheTag: tag, level: atLevel });
      }),
      { numRuns: 500 },
    );
  });
});
