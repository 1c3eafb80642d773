/** A full disk is not the fault of a source: status 3, and every file is as it was. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { contentsOf, plant, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { expectHealthy, healthySource, healthyText, quietBuild } from './helpers/healthy.ts';
import { describeWhere, lackingAbilities, missingRoot } from './helpers/tools.ts';

describeWhere([...missingRoot(), ...lackingAbilities('mounts')], 'on a file system without free inodes', () => {
  it.each<[string, (tree: string) => string[], 'with pycs'?]>([
    ['build', (tree) => quietBuild(tree)],
    ['build --errors warn', (tree) => quietBuild(tree, '--errors', 'warn')],
    [
      'build --keep-current, which only links',
      (tree) => quietBuild(tree, '--keep-current', '--no-normalize'),
      'with pycs',
    ],
    ['brp', () => ['brp', 'bytecompile', systemPython.executable, '1', '0']],
    ['link', (tree) => ['link', '--buildroot', tree], 'with pycs'],
    ['link --normalize', (tree) => ['link', '--normalize', '--buildroot', tree], 'with pycs'],
    ['restamp', (tree) => ['restamp', '--mtime', '1', '--buildroot', tree], 'with pycs'],
    ['relink', (tree) => ['relink', '--manifest', `${tree}/../manifest.json`, '--buildroot', tree], 'with pycs'],
  ])('%s', async (_, words, withPycs) => {
    const at = join(temporaryDirectory(), 'mounted');
    const tree = join(at, 'buildroot');
    mkdirSync(at);
    await execa('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=100', 'tmpfs', at]);
    onTestFinished(() => void execFileSync('umount', [at]));
    plant(tree, { [healthySource]: healthyText });
    if (withPycs !== undefined) {
      const manifest = ['--manifest', `${tree}/../manifest.json`];
      await pyclink(quietBuild(tree, ...manifest));
      await execa(systemPython.executable, [
        '-m',
        'compileall',
        '-qf',
        '-s',
        tree,
        '-p',
        '/',
        '-o0',
        '-o1',
        '-o2',
        tree,
      ]);
    }
    const before = contentsOf(tree);
    expect(() => {
      for (let i = 0; ; i++) writeFileSync(join(at, `filler-${i}`), '');
    }).toThrow('ENOSPC');
    const ran = await pyclink(words(tree), { env: { RPM_BUILD_ROOT: tree } });
    expect(ran).toMatchObject({ status: 3, stderr: expect.stringContaining('ENOSPC') });
    expect(contentsOf(tree)).toEqual(before);
    await execa('mount', ['-o', 'remount,nr_inodes=200', at]);
    expect(await pyclink(words(tree), { env: { RPM_BUILD_ROOT: tree } })).toMatchObject({ status: 0, stderr: '' });
    if (!words(tree).includes('restamp')) await expectHealthy(tree);
  });
});

it('a source that names the error and does not compile: status 1', async () => {
  const ran = await pyclink(quietBuild(plantBuildroot({ [healthySource]: 'raise OSError(errno.ENOSPC\n' })));
  expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('ENOSPC') });
});
