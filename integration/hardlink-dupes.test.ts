/** The counterparts of CPython's own tests of --hardlink-dupes (Lib/test/test_compileall.py, HardlinkDedupTestsBase). */
import { lstatSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { linkGroupsIn, plantBuildroot } from '../test/helpers/buildroot.ts';
import { itOnEachPython } from '../test/helpers/each-python.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { type RealPython, systemPython } from '../test/helpers/pythons.ts';

const directory = '/opt/modules';
const docstring = '"module docstring"\n';
const assertion = 'assert __name__\n';

/** Module name, text, and the levels that come out identical. */
const modules: readonly (readonly [string, string, readonly (readonly number[])[]])[] = [
  ['neither', 'x = 1\n', [[0, 1, 2]]],
  ['doc', `${docstring}x = 1\n`, [[0, 1], [2]]],
  ['asserts', `x = 1\n${assertion}`, [[0], [1, 2]]],
  ['both', `${docstring}x = 1\n${assertion}`, [[0], [1], [2]]],
  // Where the word stands decides whether pyclink compiles level 1 at all.
  ['word', 'def assertion(assert_):\n    return assert_.assertTrue("to assert", ">>> assert 1")\n', [[0, 1, 2]]],
  ['indented', 'if 1:\n \f\tassert __name__\n', [[0], [1, 2]]],
  ['colon', 'if 1:assert(__name__)\n', [[0], [1, 2]]],
  ['semicolon', 'x = 1; \t assert"" == "", __name__\n', [[0], [1, 2]]],
  ['continued', 'x = 1; \\\nassert\\\n __name__\n', [[0], [1, 2]]],
  ['mac', 'x = 1\rassert __name__\r', [[0], [1, 2]]],
  ['string', 'x = """a\n""";assert __name__\n', [[0], [1, 2]]],
  ['debug', 'x = __debug__\n', [[0], [1, 2]]],
  ['nfkc', 'x = __d\u1d49bug__\n', [[0], [1, 2]]],
  ['utf7', '# coding: utf-7\nx = __d+AGU-bug__\n', [[0], [1, 2]]],
];
const sources = Object.fromEntries(modules.map(([name, text]) => [`${directory}/${name}.py`, text]));

function pycOf(python: RealPython, name: string, level: number): string {
  return `opt/modules/__pycache__/${name}.${python.cacheTag}${level === 0 ? '' : `.opt-${level}`}.pyc`;
}

async function build(python: RealPython, buildroot: string, levels: readonly (number | string)[]): Promise<void> {
  const optimize = levels.flatMap((level) => ['-o', String(level)]);
  const args = ['build', '--buildroot', buildroot, '--python', python.executable, '-q', ...optimize, directory];
  expect(await pyclink(args)).toEqual({ status: 0, stdout: '', stderr: '' });
}

function expectedGroups(python: RealPython, levels: readonly number[]): string[][] {
  const groups = modules.flatMap(([name, , identical]) =>
    identical.map((set) => set.filter((level) => levels.includes(level)).map((level) => pycOf(python, name, level))),
  );
  const present = groups.filter((group) => group.length > 0).map((group) => group.sort());
  return present.sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1));
}

describe.each([[[0, 1]], [[1, 2]], [[0, 2]], [[0, 1, 2]]])('the levels %j', (levels) => {
  itOnEachPython('are linked where they are identical, with $name', async (python) => {
    const buildroot = plantBuildroot(sources);
    await build(python, buildroot, levels);
    expect(linkGroupsIn(buildroot)).toEqual(expectedGroups(python, levels));
  });
});

describe('levels', () => {
  it.each([[['0', '2', '1']], [['2', '1', '0', '1', '2']], [[]]])('%j are the three levels', async (levels) => {
    const buildroot = plantBuildroot(sources);
    await build(systemPython, buildroot, levels);
    expect(linkGroupsIn(buildroot)).toEqual(expectedGroups(systemPython, [0, 1, 2]));
  });

  it('a single level given twice has nothing to link', async () => {
    const buildroot = plantBuildroot(sources);
    await build(systemPython, buildroot, [1, 1]);
    expect(linkGroupsIn(buildroot)).toEqual(expectedGroups(systemPython, [1]));
  });
});

describe('a source that changed', () => {
  it('does not change the levels that are not compiled again', async () => {
    const buildroot = plantBuildroot(sources);
    await build(systemPython, buildroot, [0, 1, 2]);
    const pyc = (level: number) => join(buildroot, pycOf(systemPython, 'neither', level));
    const before = { inode: lstatSync(pyc(0)).ino, bytes: readFileSync(pyc(0)) };

    writeFileSync(join(buildroot, directory, 'neither.py'), 'x = 2\n');
    await build(systemPython, buildroot, [1]);

    expect([0, 2].map((level) => lstatSync(pyc(level)).ino)).toEqual([before.inode, before.inode]);
    expect(readFileSync(pyc(0))).toEqual(before.bytes);
    expect(lstatSync(pyc(0)).nlink).toBe(2);
    expect(lstatSync(pyc(1)).nlink).toBe(1);
    expect(readFileSync(pyc(1))).not.toEqual(before.bytes);

    await build(systemPython, buildroot, [0, 1, 2]);
    expect(linkGroupsIn(buildroot)).toEqual(expectedGroups(systemPython, [0, 1, 2]));
  });

  itOnEachPython('is imported under -O by $name, which rewrites one pyc only', async (python) => {
    const buildroot = plantBuildroot(sources);
    await build(python, buildroot, [0, 1, 2]);
    const pyc = (level: number) => join(buildroot, pycOf(python, 'neither', level));
    const before = { inode: lstatSync(pyc(0)).ino, bytes: readFileSync(pyc(0)) };
    const source = join(buildroot, directory, 'neither.py');
    writeFileSync(source, 'x = "changed"\n');
    utimesSync(source, 1_000_000_000, 1_000_000_000);

    const env = { PYTHONPATH: join(buildroot, directory) };
    const args = ['-O', '-c', 'import neither; print(neither.x)'];
    const { stdout } = await execa(python.executable, args, { env, extendEnv: false });

    expect(stdout).toBe('changed');
    expect([0, 2].map((level) => lstatSync(pyc(level)).ino)).toEqual([before.inode, before.inode]);
    expect([0, 2].map((level) => readFileSync(pyc(level)))).toEqual([before.bytes, before.bytes]);
    expect(lstatSync(pyc(1)).ino).not.toBe(before.inode);
    expect(readFileSync(pyc(1)).includes('changed')).toBe(true);
  });
});
