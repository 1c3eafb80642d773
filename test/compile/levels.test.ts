import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { levelProofOf } from '../../src/pyc/releases.ts';
import { itOnEachPython, pythonsWhere } from '../helpers/each-python.ts';
import type { RealPython } from '../helpers/pythons.ts';

const directory = join(import.meta.dirname, '../../src/compile');
const script = join(import.meta.dirname, '../helpers/prove-levels.py');

/** What the proof says of level 1 after 0, of 2 after 1 and of 2 after 0. */
function ways({ executable }: RealPython, texts: readonly (string | Buffer)[]): string[] {
  const flag = levelProofOf(magicNumberOf(executable))?.docstringFlag;
  if (flag === undefined) throw new Error(`no level proof for ${executable}`);
  const input = JSON.stringify(texts.map((text) => [Buffer.from(text as string).toString('hex'), flag]));
  return JSON.parse(execFileSync(executable, ['-S', '-B', script, directory], { input, encoding: 'utf8' })) as string[];
}

function magicNumberOf(executable: string): number {
  const question = 'import importlib.util; print(int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little"))';
  return Number(execFileSync(executable, ['-S', '-c', question], { encoding: 'utf8' }));
}

const same = 'same, same, same';
const assertion = 'compiled, same, compiled';
const docstring = 'same, compiled, compiled';
const both = 'compiled, compiled, compiled';

const cases: Readonly<Record<string, readonly [way: string, text: string | Buffer]>> = {
  'no code at all': [same, ''],
  'nothing that is taken out': [same, 'def f():\n    x = 1\n    return x\n'],
  'longer words': [same, 'def assertion(assert_):\n    return assert_.assertTrue, assert1, __debug_\n'],
  'an assertion': [assertion, 'def f(x):\n    assert x\n    return x\n'],
  'an assertion behind a colon': [assertion, 'if 1:assert(x)\n'],
  'an assertion behind a semicolon': [assertion, 'x = 1;assert""or x\n'],
  'an assertion behind a backslash': [assertion, 'x = 1; \\\nassert\\\n x\n'],
  'an assertion behind a byte order mark': [assertion, '\ufeffassert x\n'],
  'an assertion behind a form feed': [assertion, 'if 1:\n \f\tassert x\n'],
  'an assertion behind a carriage return': [assertion, 'x = 1\rassert x\r'],
  'an assertion behind a line of a string': [assertion, 'x = """a\n""";assert x\n'],
  'the word in a string': [assertion, 'x = "to assert"\n'],
  'the word in a comment': [assertion, '# assert\n'],
  __debug__: [assertion, 'x = __debug__\n'],
  '__debug__ in a longer word': [assertion, 'x = y__debug__\n'],
  '__debug__ in an f-string': [assertion, 'x = f"{__debug__}"\n'],
  '__debug__ in other letters': [assertion, 'x = __𝒹ebug__\n'],
  '__debug__ in other underscores': [assertion, 'x = __debug\ufe4d_\n'],
  '__debug__ with letters of full width': [assertion, 'x = __ｄｅｂｕｇ__\n'],
  'letters of all kinds': [same, 'é = "𝒹"\ndef f(ä):\n    return ä, "ü"\n'],
  'a byte order mark': [same, '\ufeffx = 1\n'],
  'a cookie of UTF-8': [same, '# -*- coding: UTF-8 -*-\nx = "é"\n'],
  'a cookie on the second line': [assertion, '#\n# vim: fileencoding=utf-7\nx = __d+AGU-bug__\n'],
  'another cookie': [assertion, '# coding: latin-1\nx = 1\n'],
  'another cookie, and bytes that are no UTF-8': [assertion, Buffer.from('# coding: latin-1\nx = "é"\n', 'latin1')],
  'a cookie of UTF-7': [assertion, '# coding: utf-7\nx = __d+AGU-bug__\n'],
  'a cookie between carriage returns': [assertion, '#\r# coding: utf-7\rx = __d+AGU-bug__\r'],
  'a cookie on the third line is none': [same, '#\n#\n# coding: utf-7\nx = 1\n'],
  'a docstring of a function': [docstring, 'def f():\n    """Text."""\n    return 1\n'],
  'a docstring of many parts': [docstring, 'def f():\n    ("a" r"b"\n     """c""")\n'],
  'a docstring of a coroutine in a method': [docstring, 'class A:\n    def f(self):\n        async def g(): "doc"\n'],
  'a docstring of a module': [docstring, '"""Text."""\n'],
  'a docstring of a class': [docstring, 'class A:\n    "doc"\n'],
  'a docstring of a class that declares __doc__ global': [docstring, 'class A:\n    "doc"\n    global __doc__\n'],
  'a docstring of a class that declares __doc__ nonlocal': [
    docstring,
    'def outer():\n    __doc__ = 1\n    class A:\n        "doc"\n        nonlocal __doc__\n',
  ],
  '__doc__ of a module': [docstring, 'x = __doc__\n'],
  '__doc__ of a function': [same, 'def f(__doc__):\n    return __doc__\n'],
  'a docstring and an assertion': [both, 'def f():\n    """Text."""\ndef g():\n    assert 1\n'],
  'bytes in the place of a docstring': [same, 'def f():\n    b"no doc"\n    return 1\n'],
  'an f-string in the place of a docstring': [same, 'def f(x):\n    f"{x}"\n    return 1\n'],
  'a string behind a statement': [same, 'def f(x):\n    x = 1\n    "no doc"\n    return x\n'],
  'functions within functions, as deep as they go': [same, `x = ${'lambda: '.repeat(60)}0\n`],
};

itOnEachPython('the level proof says which levels are the same on $name', (python) => {
  const names = Object.keys(cases);
  const found = ways(
    python,
    Object.values(cases).map(([, text]) => text),
  );
  const expected = Object.entries(cases).map(([name, [way]]) => [name, way]);
  expect(Object.fromEntries(names.map((name, i) => [name, found[i]]))).toEqual(Object.fromEntries(expected));
});

itOnEachPython(
  'distinguishes docstrings from other strings on $name, which flags them',
  (python) => {
    const texts = ['def f():\n    return "x"\n', 'f = lambda: "x"\n', 'x = ["x" for x in y]\nz = ("x" for x in y)\n'];
    expect(ways(python, texts)).toEqual([same, same, same]);
    expect(ways(python, ['def f():\n    "doc"\n    return "x"\n'])).toEqual([docstring]);
  },
  pythonsWhere((minor) => minor >= 14),
);

/** Statements that are taken out, or are near to what is. */
const statements = [
  ...[
    'x = 1',
    'assert x',
    '"""Text."""',
    'b"text"',
    'f"{x}"',
    '"a" "b"',
    'global __doc__',
    '__doc__ = 1',
    'import __doc__',
  ],
  ...[
    'x = lambda: "text"',
    'x = __debug__',
    'if x: assert x; y = 1',
    'yield x',
    'return ["a" for y in x]',
    'self.x = 1',
  ],
  ...['try: x()\nfinally:\n    def f(): "doc"', 'nonlocal __doc__', 'return', 'pass'],
];
const headers = [
  'def f(self):',
  'async def f(__doc__):',
  'class A(x):',
  'if x:',
  'if 0:',
  'while 0:',
  'with x as __doc__:',
];
const { block } = fc.letrec<{ block: string }>((tie) => ({
  block: fc
    .array(
      fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(...statements),
        fc
          .tuple(fc.constantFrom(...headers), tie('block'))
          .map(([header, body]) => `${header}\n${body.replaceAll(/^(?=.)/gm, '    ')}`),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((parts) => parts.join('\n')),
}));

itOnEachPython('$name has the same code wherever the proof says so, for any source', (python) => {
  const found = ways(python, fc.sample(block, { numRuns: 3000, seed: 1 }));
  expect(found.filter((way) => way.includes('wrong'))).toEqual([]);
  expect(found.filter((way) => way.includes('same')).length).toBeGreaterThan(200);
});
