/** Sources whose code at a higher level was wrong once, or could be: each level is what the compiler makes of the file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect } from 'vitest';
import { plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { itOnEachPython } from '../test/helpers/each-python.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { allPypys, allPythons, missingPypys, missingPythons, type RealPython } from '../test/helpers/pythons.ts';
import { holdToCompiler } from './helpers/same-code.ts';

const everyPython = { pythons: [...allPythons, ...allPypys], missing: [...missingPythons, ...missingPypys] };
const pair = 'def f(x):\n    assert x\n    return x\ndef g(x):\n    return x\n';

/** Sources, and the first Python that takes them; none: all do. */
const sources: Readonly<Record<string, readonly [text: string | Buffer, minor?: number]>> = {
  'byte-order-mark': ['\ufeffassert x\n'],
  'byte-order-mark-and-cookie': ['\ufeff# coding: utf-8\nassert x\n'],
  'nonlocal-doc': ['def outer():\n  __doc__ = 1\n  class A:\n    "doc"\n    nonlocal __doc__\n'],
  'nonlocal-doc-read': [
    'def outer():\n  __doc__ = 1\n  class A:\n    "doc"\n    x = __doc__\n    def f(self): return __doc__\n',
  ],
  'global-doc': ['class A:\n  "doc"\n  global __doc__\n'],
  'doc-of-a-parameter': ['def f(__doc__):\n  class A:\n    "doc"\n    x = __doc__\n'],
  'doc-imported': ['"doc"\nimport a as __doc__\nclass A:\n  "doc"\n  from b import __doc__\n'],
  'doc-deleted': ['class A:\n  "doc"\n  del __doc__\n'],
  'doc-in-a-comprehension': ['class A:\n  "doc"\n  x = [__doc__ for __doc__ in y]\n'],
  'doc-by-walrus': ['class A:\n  "doc"\n  x = (__doc__ := 1)\n', 8],
  'dead-comprehension': [`x = 5\nif False: y = [x for x in (1, 2)]\n${pair}locals(); print(x)\n`],
  'dead-comprehension-in-a-class': [`class A:\n  x = 5\n  if 0: y = [x for x in (1, 2)]\n  print(x)\n${pair}`],
  'assert-behind-a-type-alias': [`type X = int; assert X\n${pair}`, 12],
  'import-behind-a-type-alias': ['type X = int; import a\ndef f(x): assert x; return a.x()\ndef g(x): return x\n', 12],
  'type-parameters': [
    `class A[T]:\n  "doc"\n  def f[S](self, x: S) -> T:\n    assert x\n  def g(self): return T\n`,
    12,
  ],
  'super-by-walrus': [
    '@(super := dec)\ndef f(): pass\nclass A:\n  def m(self):\n    assert self\n    return super().g()\n',
    9,
  ],
  'super-by-global': [
    `def f():\n  global super\n  super = 1\nclass A:\n  def m(self):\n    assert self\n    return super().g()\n`,
  ],
  'attribute-in-an-assert': [
    'class A:\n  def f(self):\n    assert any(1 for self.x in y)\n  def g(self): self.z = 1\n',
  ],
  'attribute-in-a-loop': ['class A:\n  "doc"\n  def f(self):\n    for self.x in y: pass\n  def g(self): return 1\n'],
  'assert-behind-semicolons': ['x = 1;assert x;y = 2; assert(y)\n'],
  'assert-behind-a-colon': ['if 1:assert x\nfor x in y:assert(x)\nclass A:assert 1\n'],
  'assert-behind-a-backslash': ['x = 1; \\\nassert\\\n x\n'],
  'assert-behind-a-form-feed': ['\fassert x\nif 1:\n \f\tassert x\n'],
  'assert-behind-a-carriage-return': ['x = 1\rassert x\r'],
  'assert-behind-a-string': ['x = """a\n""";assert x\n'],
  'utf-7': ['# coding: utf-7\nx = __d+AGU-bug__\n+AGE-ssert x\n'],
  'latin-1': [Buffer.from('# coding: latin-1\nx = "é"; assert x\n', 'latin1')],
  'cookie-between-carriage-returns': ['#\r# coding: utf-7\rx = __d+AGU-bug__\r'],
  'debug-in-other-letters': ['x = __𝒹ebug__\ny = __ｄｅｂｕｇ__, __debug\ufe4d_\n'],
  'debug-everywhere': [
    'if __debug__: x = 1\nelse: y = 2\ndef f(x=__debug__): return x if __debug__ else f"{__debug__}"\n',
  ],
  'finally-twice': ['try: x()\nfinally:\n  def f():\n    "doc"\n    assert x\n'],
  'strings-that-are-no-docstrings': ['def f():\n  b"no"\ndef g(x):\n  f"{x}"\ndef h(): return "x"\ni = lambda: "x"\n'],
  'docstrings-of-every-spelling': [
    'def f():\n  ("a" r"b"\n  """c""")\n  "second"\nclass A: """d"""; "e"\nasync def g(): u"f"\n',
  ],
  'an-empty-docstring': ['""\ndef f(): ""\nclass A: ""\n'],
  'future-annotations': ['"doc"\nfrom __future__ import annotations\ndef f(x: (lambda: "y")): assert x\n', 7],
  match: [`match x:\n  case {"a": __doc__}: assert x\n${pair}`, 10],
  'many-lambdas': [`x = ${'lambda: '.repeat(520)}0\n`],
  'a-template': ['def f(x):\n  t"{__debug__}"\n  assert x\n', 14],
};

const minorOf = ({ minor }: RealPython) => Number(minor.split('.')[1]);
const isValid = `
import json, sys, warnings
warnings.simplefilter("ignore")
def valid(path):
    try:
        return bool(compile(open(path, "rb").read(), path, "exec", dont_inherit=True))
    except Exception:
        return False
print(json.dumps([valid(path) for path in sys.argv[1:]]))
`;

describe('every level of a source is what the compiler makes of the whole file', () => {
  itOnEachPython('on $name', exact, everyPython);
});

async function exact(python: RealPython): Promise<void> {
  const isPypy = python.cacheTag.startsWith('pypy');
  const names = Object.keys(sources).filter((name) => minorOf(python) >= (sources[name]?.[1] ?? 0));
  const buildroot = plantBuildroot(
    Object.fromEntries(names.map((name) => [`/a/${name}.py`, sources[name]?.[0] ?? ''])),
  );
  const paths = names.map((name) => join(buildroot, `/a/${name}.py`));
  const { stdout } = await execa(python.executable, ['-I', '-S', '-B', '-c', isValid, ...paths]);
  const refused = names.filter((_, i) => !(JSON.parse(stdout) as boolean[])[i]);
  // Older parsers and PyPy give up on so many lambdas, 3.13.0 and PyPy on some of the other oddities.
  expect(refused.length).toBeLessThan(isPypy ? 8 : 3);
  const args = ['build', '--buildroot', buildroot, '--python', python.executable, '--errors', 'warn', '-q', '/a'];
  expect(await pyclink(args)).toMatchObject({ status: 0 });
  const accepted = names.filter((name) => !refused.includes(name));
  const code = await holdToCompiler(
    python,
    buildroot,
    accepted.map((name) => `/a/${name}.py`),
  );
  expect(code.findings).toEqual([]);
  expect(code.compared).toBe(3 * accepted.length);
}

describe('a source with the deepest nesting that compileall accepts', () => {
  const nestings: Readonly<Record<string, (depth: number) => string>> = {
    lambdas: (depth) => `x = ${'lambda: '.repeat(depth)}0\n`,
    parentheses: (depth) => `x = ${'('.repeat(depth)}0${')'.repeat(depth)}\n`,
    'unary operators': (depth) => `x = ${'-'.repeat(depth)}y\n`,
  };

  for (const [what, text] of Object.entries(nestings)) {
    itOnEachPython(`is compiled on $name: ${what}`, async (python) => {
      const deepest = await deepestOf(python, text);
      expect(deepest).toBeGreaterThan(10);
      const buildroot = plantBuildroot({ '/a/deep.py': text(deepest) });
      const args = ['build', '--buildroot', buildroot, '--python', python.executable, '-q', '/a'];
      expect(await pyclink(args)).toEqual({ status: 0, stdout: '', stderr: '' });
      expect((await holdToCompiler(python, buildroot, ['/a/deep.py'])).findings).toEqual([]);
    });
  }
});

/** The deepest nesting that `python -m compileall` compiles at every level. */
async function deepestOf(python: RealPython, text: (depth: number) => string): Promise<number> {
  const directory = join(temporaryDirectory(), 'a');
  mkdirSync(directory);
  const file = join(directory, 'deep.py');
  const compiles = async (depth: number) => {
    writeFileSync(file, text(depth));
    const levels = await Promise.all(
      ['', '-O', '-OO'].map((flag) =>
        execa(python.executable, [...(flag === '' ? [] : [flag]), '-s', '-S', '-m', 'compileall', '-f', '-q', file], {
          env: { PATH: '/usr/bin' },
          extendEnv: false,
          reject: false,
        }),
      ),
    );
    return levels.every(({ exitCode }) => exitCode === 0);
  };
  let [low, high] = [1, 4096];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (await compiles(middle)) low = middle;
    else high = middle;
  }
  return low;
}
