import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allPythons, type RealPython } from '../helpers/pythons.ts';

const directory = join(import.meta.dirname, '../../src/bytecode');
const script = join(import.meta.dirname, '../helpers/raise-levels.py');

/** How each source gets to level 1, from there to level 2, and from level 0 to level 2. */
function ways({ executable }: RealPython, texts: readonly string[]): string[] {
  const output = execFileSync(executable, ['-S', '-B', script, directory], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
  });
  return (JSON.parse(output) as string[][]).map((found) => found.join(', '));
}

const isLater = ({ minor }: RealPython, than: number) => Number(minor.split('.')[1]) >= than;
const pythons = allPythons.filter((python) => isLater(python, 11));
const plain = 'def plain():\n    x = 1\n    return x\n';

/** Sources, and how they get there. */
const cases: Readonly<Record<string, readonly [way: string, text: string]>> = {
  'nothing that is taken out': ['same, same, same', plain],
  'an assertion': ['parts, same, parts', `${plain}def f(x):\n    assert x\n    return x\n`],
  'an assertion in a method': ['parts, same, parts', `class A:\n    def f(self):\n        assert self\n${plain}`],
  'an assertion where super is': [
    'parts, same, parts',
    `class A:\n    def f(self):\n        assert super().f()\n    def g(self):\n        return super().g()\n`,
  ],
  'an assertion in a private method': [
    'parts, same, parts',
    `class A:\n    class __B:\n        def __f(self):\n            assert self.__g()\n    def __g(self):\n        pass\n`,
  ],
  'an assertion in a function within a function': [
    'parts, same, parts',
    `${plain}def f(x):\n    def g():\n        assert x\n    return g\n`,
  ],
  'an assertion behind decorators': [
    'parts, same, parts',
    `${plain}@decorated(\n    1)\n@again\nasync def f(x):\n    assert await x\n`,
  ],
  decorators: ['parts, same, parts', `@decorated(\n    1)\n@again\n${plain}def f(x):\n    assert x\n`],
  'an assertion on the line of its function': ['parts, same, parts', `${plain}def f(x): assert x\n`],
  'an assertion in one of two functions of a name': [
    'parts, same, parts',
    'if x:\n    def f():\n        assert 1\nelse:\n    def f():\n        return 2\n',
  ],
  'an assertion in a module': ['whole, same, whole', `${plain}assert plain\n`],
  'an assertion in a class': ['whole, same, whole', `class A:\n    assert x\n${plain}`],
  'only functions with assertions': ['whole, same, whole', 'def f(x):\n    assert x\n'],
  'the word in a docstring': [
    'parts, parts, parts',
    `${plain}def f():\n    """\n    assert nothing\n    """\n    return 1\n`,
  ],
  __debug__: ['whole, same, whole', `${plain}def f():\n    return __debug__\n`],
  '__debug__ in other letters': ['whole, same, whole', `${plain}def f():\n    return __𝒹ebug__\n`],
  'letters of all kinds': [
    'parts, parts, parts',
    `${plain}é = "𝒹"\ndef f(ä):\n    """ß"""\n    assert ä, "ü"; é = 1\n`,
  ],
  'a docstring of a function': ['same, parts, parts', `${plain}def f():\n    """Text."""\n    return 1\n`],
  'a docstring and an assertion': [
    'parts, parts, parts',
    `${plain}def f():\n    """Text."""\n    return 1\ndef g():\n    assert 1\n`,
  ],
  'a module with a docstring': ['same, parts, parts', `"""Text."""\n${plain}`],
  'a module with a docstring, and an assertion': [
    'parts, parts, parts',
    `"""Text."""\n${plain}def f(x):\n    assert x\n    return x\n`,
  ],
  'a class with a docstring': [
    'same, parts, parts',
    `class A:\n    """Text."""\n    def f(self, x: int = 1, *, y="(") -> "A":  # (\n        return 1\n    z = 1\n`,
  ],
  'a class with a docstring and attributes': [
    'same, parts, parts',
    `class A:\n    """Text."""\n    def f(self):\n        self.x = 1\n    def g(self):\n        return 1\n`,
  ],
  'a class with a docstring and super': [
    'same, parts, parts',
    `class A:\n    """Text."""\n    def f(self):\n        return super().f()\n    def g(self):\n        return 1\n`,
  ],
  'a header of many lines': [
    'same, parts, parts',
    `"""Text."""\ndef f(\n    a=(1, {2: [3]}),  # (:\n    b=lambda: 1,\n    c: "x" = ':',\n):\n    return a\n`,
  ],
  'a header with a string that goes on': ['same, whole, whole', `"""Text."""\ndef f(a="""(\n"""):\n    return a\n`],
  'a function that ends to the left': ['same, parts, parts', `"""Text."""\n${plain}def f():\n    return """\n"""\n`],
  'a function that declares a global': [
    'same, parts, parts',
    `"""Text."""\nx = 1\n${plain}def f():\n    global x\n    x = 2\n`,
  ],
  'a global name for a method': [
    'parts, same, parts',
    `class A:\n    global f\n    def f(self):\n        assert self.__x\n${plain}`,
  ],
  'calls of what was imported': [
    'parts, same, parts',
    `if False:\n    import a\nfrom b import c\n${plain}def f(x):\n    assert x\n    return a.x(), c.x(), x.x()\n`,
  ],
  'an import in another function': [
    'parts, same, parts',
    `def g():\n    global a\n    import a\ndef f(x):\n    assert x\n    return a.x()\n`,
  ],
  'another super': [
    'parts, same, parts',
    `${plain}def super():\n    return A\nclass A:\n    def f(self):\n        assert super().g()\n`,
  ],
  'another super, declared elsewhere': [
    'parts, same, parts',
    `${plain}def g():\n    global super\n    super = A\nclass A:\n    def f(self):\n        assert super().g()\n`,
  ],
  'a comment behind the end': [
    'same, parts, parts',
    `"""Text."""\ndef f():\n    x = 1\n    return x ; # end\n    # more\ny = 1\n`,
  ],
  'names imported from the future': [
    'parts, same, parts',
    `from __future__ import annotations\n${plain}def f(x: y):\n    assert x\n`,
  ],
  'a function that is compiled twice': [
    'parts, parts, parts',
    `"""Text."""\ntry:\n    x()\nfinally:\n    def f(x):\n        assert x\n        return 1\n    def g(x):\n        return 1\n`,
  ],
  tabs: ['whole, same, whole', 'class A:\n\tdef g(self):\n\t\treturn 1\n\tdef f(self):\n\t\tassert self\n'],
  'ends of lines of DOS': ['whole, same, whole', `${plain}def f(x):\n    assert x\n`.replaceAll('\n', '\r\n')],
  'a byte order mark': ['whole, same, whole', `\u{feff}def f(x):\n    assert x\n${plain}`],
  'no end of the last line': ['parts, parts, parts', `"""Text."""\ndef f(x):\n    assert x\n${plain}`.trimEnd()],
  'a constant of several functions': [
    'parts, same, parts',
    `def f(x):\n    return x in (1, 2, 300) or x in {1, "a b"}\ndef g(x):\n    assert x\n    return x in (1, 2, 300) or x in {1, "a b"}\n`,
  ],
};

describe.each(pythons)('a source on $executable', (python) => {
  const names = Object.keys(cases);
  const found = ways(
    python,
    Object.values(cases).map(([, text]) => text),
  );

  it.each(names)('has the code of a higher level: %s', (name) => {
    const [expected = ''] = cases[name] ?? [];
    const way = found[names.indexOf(name)];
    expect(way).toBe(expected);
  });
});

it.each(pythons.filter((python) => isLater(python, 12)))(
  'a source with type parameters has the code of a higher level on $executable',
  (python) => {
    const text = `class A[T]:\n    """Text."""\n    def f[S](self, x: S) -> T:\n        assert x\n    def g(self) -> T:\n        return 1\n    def h(self):\n        assert T\n${plain}`;
    expect(ways(python, [text, text.replace('"""Text."""', '')]).join()).not.toContain('wrong');
  },
);

it.each(pythons.filter((python) => isLater(python, 13)))(
  'a class with a docstring has the attributes that its functions assign to, however they do it, on $executable',
  (python) => {
    const assignments = [
      'for self.x in y:\n            pass',
      'with y as (\n            self.x):\n            pass',
      'if 0: self.x: int',
    ];
    const texts = assignments.map(
      (assignment) =>
        `class A:\n    """Text."""\n    def f(self):\n        ${assignment}\n        return 1\n    def g(self):\n        return 1\n`,
    );
    const [assigning = '', ...others] = ways(python, texts);
    expect(assigning).toBe('same, whole, whole');
    expect(others.join()).not.toContain('wrong');
  },
);

/** Statements that mean something to what is around them, or to what is taken out; `{}` is a number. */
const statements = [
  ...[
    'x{} = 1',
    'assert x{}',
    '"""Text {}."""',
    'global x{}',
    'global super',
    'import x{}',
    'from x{} import x1 as x2',
    'return x{}.y()',
  ],
  ...[
    'self.x{} = super().x{}',
    'if x{}: assert x{}; y = 1',
    'x = lambda: "text"',
    'yield x{}',
    'x{}: "int" = 1',
    '"""a\n"""',
  ],
  ...['return [x{} for x{} in self]', 'if __debug__: x{} = 2', 'try: x{}()\nfinally:\n    def f(): assert x{}', 'pass'],
];
const statement = fc.tuple(fc.constantFrom(...statements), fc.nat(2)).map(([text, i]) => text.replaceAll('{}', `${i}`));
const headers = [
  ...[
    'def f{}(self):',
    'def super(self):',
    'async def f{}(self, x: int = 1) -> "x":',
    '@x1\ndef g{}(self=x2,\n    *y):',
    'class C{}:',
  ],
  ...['class C{}(x1, y=x2):', 'if x{}:', 'if 0:', 'while x{}:', 'with x{} as y:'],
];
const { block } = fc.letrec<{ block: string }>((tie) => ({
  block: fc
    .array(
      fc.oneof(
        { maxDepth: 3 },
        statement,
        fc
          .tuple(fc.constantFrom(...headers), fc.nat(3), tie('block'))
          .map(([header, i, body]) => `${header.replaceAll('{}', `${i}`)}\n${body.replaceAll(/^(?=.)/gm, '    ')}`),
      ),
      { minLength: 1, maxLength: 5 },
    )
    .map((parts) => parts.join('\n')),
}));

it.each(pythons)(
  'whatever is in a source, $executable gives its code at a higher level or is asked for the whole',
  (python) => {
    const compilable = (texts: readonly string[]) => {
      const check =
        'import json, sys\nfor text in json.load(sys.stdin):\n try: compile(text, "a", "exec"); print(1)\n except SyntaxError: print(0)';
      const output = execFileSync(python.executable, ['-W', 'ignore', '-c', check], {
        input: JSON.stringify(texts),
        encoding: 'utf8',
      });
      return texts.filter((_, i) => output.split('\n')[i] === '1');
    };
    const texts = compilable(fc.sample(block, { numRuns: 4000, seed: 1 }));
    expect(texts.length).toBeGreaterThan(500);
    const found = ways(python, texts);
    expect(texts.filter((_, i) => found[i]?.includes('wrong'))).toEqual([]);
    expect(found.filter((way) => way.includes('parts')).length).toBeGreaterThan(50);
  },
);
