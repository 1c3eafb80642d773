import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { temporaryDirectory } from '../test/helpers/buildroot.ts';
import { itOnEachPython } from '../test/helpers/each-python.ts';
import { allPypys, allPythons, missingPypys, missingPythons, type RealPython } from '../test/helpers/pythons.ts';
import { askSameCode } from './helpers/same-code.ts';

interface Case {
  readonly source: string;
  /** What the pyc is compiled from; default: the source. */
  readonly compiled?: string;
  readonly recorded?: string;
  readonly isMissing?: boolean;
  /** Damages the pyc, which is written without references and interning if there is one. */
  readonly damage?: (pyc: Buffer) => Buffer;
}

const path = '/usr/lib/a.py';
const sound =
  'def f(a, *, b=1):\n    "doc"\n    def g():\n        return a, -0.0, 1j, 10 ** 30, "é\\ud800"\n    return g\n';
const sets = 'x = y in {"one", "two"}, z in {"two", "one"}\n';

/** Python 3.6 keeps the parts of a constant too: there the instructions may be what differs first. */
const cases: Readonly<Record<string, readonly [answer: RegExp, Case]>> = {
  'as compiled': [/^same$/, { source: sound }],
  'without references': [/^same$/, { source: sound, damage: (pyc) => pyc }],
  slices: [/^same$/, { source: 'x = y[1:2], {1, 2}\n' }],
  'nested deep': [/^same$/, { source: `x = ${'lambda: '.repeat(60)}0\n` }],
  'frozensets in another order': [
    /^same$/,
    { source: sets, damage: replace(/(>\x02\0{3})(u.{4}...)(u.{4}...)/gs, '$1$3$2') },
  ],
  'nothing behind the header': [/^wrong ends early$/, { source: sound, damage: (pyc) => pyc.subarray(0, 16) }],
  'the last byte lost': [/^wrong ends early$/, { source: sound, damage: (pyc) => pyc.subarray(0, -1) }],
  'a byte too many': [
    /^wrong bytes behind the end$/,
    { source: sound, damage: (pyc) => Buffer.concat([pyc, Buffer.from('N')]) },
  ],
  'another magic number': [/^wrong header$/, { source: sound, damage: (pyc) => pyc.fill(0, 0, 2) }],
  'a reference to nothing': [
    /^wrong a reference to nothing$/,
    { source: 'x = (1, "t")\n', damage: replace('i\x01\0\0\0', 'r\x01\0\0\0') },
  ],
  'an unknown type': [
    /^wrong an object of unknown type '\?'$/,
    { source: 'x = (1, "t")\n', damage: replace('i\x01\0\0\0', '?\x01\0\0\0') },
  ],
  'True for 1': [
    /^wrong <module>\.constants\.[\d.]+: True, expected 1$/,
    { source: 'x = (1, "t")\n', compiled: 'x = (True, "t")\n' },
  ],
  '1.0 for 1': [/: a float 0{12}f03f, expected 1$/, { source: 'x = (1, "t")\n', compiled: 'x = (1.0, "t")\n' }],
  '0.0 for -0.0': [
    /: a float 0{16}, expected a float 0{14}80$|\.code: /,
    { source: 'x = (-0.0, "t")\n', compiled: 'x = (0.0, "t")\n' },
  ],
  'bytes for text': [/: bytes 74, expected 't'$/, { source: 'x = ("t", 0)\n', compiled: 'x = (b"t", 0)\n' }],
  'a long that is another': [
    /: a long .*, expected a long |\.code: /,
    { source: 'x = (10 ** 30, 0)\n', compiled: 'x = (-(10 ** 30), 0)\n' },
  ],
  'a frozenset that is another': [
    /: a frozenset of 2, expected a frozenset of 2$|: 3, expected 2$/,
    { source: 'x = y in {1, 2}\n', compiled: 'x = y in {1, 3}\n' },
  ],
  'True for 1 beside a slice': [
    /: True, expected 1$|\.code: /,
    { source: 'x = (1, "t"), y[1:2]\n', compiled: 'x = (True, "t"), y[1:2]\n' },
  ],
  'names in another order': [/^wrong <module>\.names\.0: 'b', expected 'a'$/, { source: 'a; b\n', compiled: 'b; a\n' }],
  'other line numbers': [
    /^wrong <module>\.f\.(lnotab|linetable): bytes/,
    { source: 'def f():\n    a\n    b\n', compiled: 'def f():\n    a\n\n    b\n' },
  ],
  'another first line': [
    /^wrong <module>(\.f)?: firstlineno 2, expected 1$/,
    { source: 'def f(): 0\n', compiled: '\ndef f(): 0\n' },
  ],
  'another number of arguments': [
    /^wrong <module>\.f: argcount 1, expected 0$/,
    { source: 'def f(*, a): 0\n', compiled: 'def f(a, *, b): 0\n' },
  ],
  'another flag': [
    /^wrong <module>\.f: flags \d+, expected \d+$/,
    { source: 'def f(*a): 0\n', damage: replace(/[\x07G](?=\0\0\0s)/, 'g') },
  ],
  'another path': [/filename: '\/b\.py', expected '\/usr\/lib\/a\.py'$/, { source: sound, recorded: '/b.py' }],
  'code of what does not compile': [/^wrong .*SyntaxError/, { source: 'def f(:\n', compiled: '' }],
  'no pyc': [/^missing$/, { source: sound, isMissing: true }],
  'no pyc of what does not compile': [/^none$/, { source: 'def f(:\n', isMissing: true }],
};

/** Since 3.11 a byte for each local variable says what it is; code objects show only some of it. */
const kinds: typeof cases = {
  'a variable of another kind': [
    /^wrong <module>\.f\.localspluskinds: bytes [0-9a-f]{4}, expected bytes [0-9a-f]{4}$/,
    { source: 'def f(aa, bb): 0\n', damage: replace(/(?<=s\x02\0\0\0)[ &](?=[ &]u)/, '0') },
  ],
};

/** PyPy has one object for equal numbers anyway. */
const identities: typeof cases = {
  'two NaNs that are two': [/^same$/, { source: 'x = 1e309 - 1e309, 1e309 - 1e309\n' }],
  'two NaNs made one': [
    /^wrong nan: one object, expected two$/,
    { source: 'x = (1e309 - 1e309, 1e309 - 1e309)\n', damage: replace(/g(.{8})(.*?)g\1/s, '\xe7$1$2r\0\0\0\0') },
  ],
  'a NaN made two': [
    /^wrong nan: two objects, expected one$/,
    { source: 'x = (1e309 - 1e309,) * 2\n', damage: (pyc) => pyc },
  ],
  'two NaNs of a frozenset made one': [
    /^wrong a frozenset of 1, expected one of 2$|^wrong nan: one object, expected two$/,
    {
      source: 'x = y in {1e309 - 1e309, 1e309 - 1e309}\n',
      damage: replace(/g(.{8})(.*?)g\1/s, '\xe7$1$2r\0\0\0\0'),
    },
  ],
};

const everyPython = { pythons: [...allPythons, ...allPypys], missing: [...missingPythons, ...missingPypys] };
const isCpython = ({ cacheTag }: RealPython) => cacheTag.startsWith('cpython-');
const hasKinds = (python: RealPython) => Number(python.minor.split('.')[1]) >= 11 && isCpython(python);

const tellsPycsApart = async (python: RealPython) => {
  const expected = Object.entries({
    ...cases,
    ...(hasKinds(python) ? kinds : {}),
    ...(isCpython(python) ? identities : {}),
  });
  const answers = await answersTo(
    python,
    expected.map(([, [, one]]) => one),
  );
  const found = expected.map(([what], i) => `${what}: ${answers[i]}`);
  const wanted = expected.map(([what, [answer]], i) =>
    answer.test(answers[i] as string) ? `${what}: ${answers[i]}` : `${what}: ${answer}`,
  );
  expect(found).toEqual(wanted);
};

itOnEachPython('$name distinguishes pycs with the code of their source', tellsPycsApart, everyPython);

const compile = `
import importlib.util, json, marshal, sys
for text, path, pyc, version in json.load(sys.stdin):
    code = compile(text.encode("utf-8", "surrogatepass"), path, "exec", dont_inherit=True, optimize=0)
    with open(pyc, "wb") as file:
        file.write(importlib.util.MAGIC_NUMBER + bytes(12 if sys.version_info >= (3, 7) else 8))
        file.write(marshal.dumps(code, *version))
`;

async function answersTo(python: RealPython, asked: readonly Case[]): Promise<string[]> {
  const directory = temporaryDirectory();
  const files = asked.map((one, i) => ({ ...one, file: join(directory, `${i}.py`), pyc: join(directory, `${i}.pyc`) }));
  const present = files.filter(({ isMissing }) => isMissing !== true);
  const input = present.map(({ source, compiled, recorded, pyc, damage }) => [
    compiled ?? source,
    recorded ?? path,
    pyc,
    damage === undefined ? [] : [2],
  ]);
  await execa(python.executable, ['-I', '-S', '-B', '-c', compile], { input: JSON.stringify(input) });
  for (const { source, file } of files) writeFileSync(file, source);
  for (const { pyc, damage } of present) if (damage !== undefined) writeFileSync(pyc, damage(readFileSync(pyc)));
  return askSameCode(
    python,
    files.map(({ file, pyc }) => ({ pyc, source: file, recorded: path, level: 0 })),
  );
}

function replace(from: RegExp | string, to: string): (pyc: Buffer) => Buffer {
  return (pyc) => {
    const before = pyc.toString('latin1');
    const after = before.replace(from, to);
    if (after === before) throw new Error(`there is no ${from} in ${JSON.stringify(before)}`);
    return Buffer.from(after, 'latin1');
  };
}
