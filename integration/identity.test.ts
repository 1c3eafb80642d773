import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect } from 'vitest';
import { levels, pycPath } from '../src/pyc/name.ts';
import { plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { itOnEachPython } from '../test/helpers/each-python.ts';
import { pyclink } from '../test/helpers/pyclink.ts';

/** Shows which of its constants are one object, and what else programs see of that. */
const program = `
class Echo:
    def __getitem__(self, key): return key

def f(x=1e309 - 1e309, y=(1.5, "one two"), z=1000):
    return (1.5, "one two", 1000, b"bytes", -0.0, 0.0, 10 ** 50, (1, "a"), 1e309 - 1e309, 1e309 * 1j, x, y, z,
            Echo()[1000:"one two"], Echo()["name":1e309 - 1e309], "name", ())

def g(x=1e309 - 1e309, y=(1.5, "one two"), z=1000):
    return (1.5, "one two", 1000, b"bytes", -0.0, 0.0, 10 ** 50, (1, "a"), 1e309 - 1e309, 1e309 * 1j, x, y, z,
            Echo()[1000:"one two"], Echo()["name":1e309 - 1e309], "name", ())

a = 1e309 - 1e309
b = 1e309 - 1e309
pair = (1e309 - 1e309,) * 2
print(a in [b], len({a, b}), a is b, pair == (pair[0], pair[0]), pair == (a, b), pair[0] is pair[1])

def elements(constants):
    sets = [constant for constant in constants if isinstance(constant, frozenset)]
    return [(len(one), sorted(map(repr, one))) for one in sets]

def h(x): return x in {1e309 - 1e309, 1e309 - 1e309, -(1e309 - 1e309), (1e309 * 1j, "one two"), ((1e309 - 1e309,) * 2)}
print(elements(h.__code__.co_consts), h(1e309 - 1e309), h(a))

values = []
def add(value):
    values.append(value)
    for part in value if isinstance(value, tuple) else ():
        add(part)
    if isinstance(value, slice): add((value.start, value.stop))
for each in f(), g(), f(), (a, b, pair): add(each)
print([next(i for i, other in enumerate(values) if other is value) for value in values])
`;

describe('the identity of constants', () => {
  itOnEachPython(
    'is the same to programs that $name compiles itself and that pyclink builds or normalizes',
    async (python) => {
      const [built, linked] = [plantBuildroot({ '/p/a.py': program }), plantBuildroot({ '/p/a.py': program })];
      const work = temporaryDirectory();
      const run = async (file: string) => {
        const { stdout } = await execa(python.executable, ['-I', '-S', '-B', file], { cwd: work });
        return stdout;
      };
      const build = ['build', '--python', python.executable, '/p', '-q', '--buildroot'];
      const normalize = ['link', '--normalize', '-q', '--buildroot', linked];
      for (const args of [[...build, built], [...build, linked, '--no-normalize'], normalize]) {
        expect(await pyclink(args)).toMatchObject({ status: 0, stderr: '' });
      }
      const pycs = levels.map((level) => pycPath('/p/a.py' as never, python.cacheTag, level));
      const expected = await run(join(built, 'p/a.py'));
      for (const buildroot of [built, linked]) {
        for (const pyc of pycs) expect([pyc, await run(join(buildroot, pyc))]).toEqual([pyc, expected]);
      }
    },
  );
});
