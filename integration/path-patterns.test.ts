/** PATHs that are patterns: which directories they name, in each command that takes PATHs. */
import { chmodSync, copyFileSync, existsSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { contentsOf, plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingRoot } from './helpers/tools.ts';

const pattern = '/usr/lib/*-linux-gnu/shop';
const pycs = [0, 1, 2].map(
  (level) => `__pycache__/cart.${systemPython.cacheTag}${level === 0 ? '' : `.opt-${level}`}.pyc`,
);

it('build, link and restamp work on the directories that match', async () => {
  const buildroot = plantBuildroot({
    'usr/lib/x86_64-linux-gnu/shop/cart.py': 'x = 1\n',
    'usr/lib/mips-linux-gnu/shop/cart.py': 'x = 1\n',
    'usr/lib/shop/cart.py': 'x = 1\n',
  });
  const matching = ['usr/lib/mips-linux-gnu/shop', 'usr/lib/x86_64-linux-gnu/shop'].map((at) => join(buildroot, at));
  const { stdout, status } = await pyclink(['build', '--buildroot', buildroot, '-q', '--json', pattern]);
  expect({ status, sources: JSON.parse(stdout).sources }).toEqual({ status: 0, sources: 2 });
  expect(existsSync(join(buildroot, 'usr/lib/shop/__pycache__'))).toBe(false);
  for (const pyc of matching.flatMap((directory) => pycs.map((name) => join(directory, name)))) {
    copyFileSync(pyc, `${pyc}.copy`);
    renameSync(`${pyc}.copy`, pyc);
    expect(statSync(pyc).nlink).toBe(1);
  }
  await pyclink(['link', '-q', '--buildroot', buildroot, pattern]);
  for (const directory of matching) {
    expect(pycs.map((pyc) => statSync(join(directory, pyc)).nlink)).toEqual([3, 3, 3]);
  }
  await pyclink(['restamp', '-q', '--mtime', '1', '--buildroot', buildroot, `${buildroot}${pattern}`]);
  expect(matching.map((directory) => statSync(join(directory, 'cart.py')).mtimeMs)).toEqual([1000, 1000]);
  expect(statSync(join(buildroot, 'usr/lib/shop/cart.py')).mtimeMs).not.toBe(1000);
});

it.each(['build', 'link', 'restamp --mtime 1'])('%s says that a pattern matches nothing', async (command) => {
  const buildroot = plantBuildroot({ 'usr/lib/shop/cart.py': '' });
  for (const [tree, missing] of [
    [
      ['--buildroot', buildroot],
      [pattern, '/usr/lib/*.py', '/nowhere/*'],
    ],
    ...(command === 'build' ? [[['--in-place'], [`${buildroot}${pattern}`]] as const] : []),
  ] as const) {
    for (const path of missing) {
      const { status, stderr } = await pyclink([...command.split(' '), ...tree, path]);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringContaining(`pyclink: error: ${path}: matches no directory\n`),
      });
    }
  }
});

it('a build of matching directories without sources says where there are some', async () => {
  const buildroot = plantBuildroot({ 'usr/lib/mips-linux-gnu/shop/data': '', 'opt/shop/cart.py': 'x = 1\n' });
  const { status, stderr } = await pyclink(['build', '-q', '--buildroot', buildroot, pattern]);
  const where = `no .py files below ${pattern}; the nearest are in /opt/shop: give a PATH`;
  expect({ status, stderr }).toEqual({ status: 0, stderr: `pyclink: warning: nothing to compile: ${where}\n` });
});

describeWith(missingRoot(), 'a directory that has to be searched and cannot be listed', () => {
  it.each(['build', 'link', 'restamp --mtime 1'])('is an error for %s, and nothing changes', async (command) => {
    const buildroot = plantBuildroot({
      'usr/lib/a-linux-gnu/shop/cart.py': 'x = 1\n',
      'usr/lib/b-linux-gnu/shop/cart.py': 'x = 1\n',
    });
    chmodSync(dirname(buildroot), 0o755);
    const closed = join(buildroot, 'usr/lib/b-linux-gnu');
    chmodSync(closed, 0o700);
    const before = contentsOf(buildroot);
    const { status, stderr } = await pyclink([...command.split(' '), '--buildroot', buildroot, pattern], {
      uid: 65_534,
    });
    const message = `pyclink: error: ${pattern}: ${closed} cannot be searched (EACCES)\n`;
    expect({ status, stderr }).toEqual({ status: 2, stderr: message });
    expect(contentsOf(buildroot)).toEqual(before);
  });
});
