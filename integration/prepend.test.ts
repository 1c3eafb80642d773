/** A tree that was built with `--prepend`: its manifest has the paths as they will be installed. */
import { copyFileSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { contentsOf, linkGroupsIn, plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { pycsOf } from './helpers/healthy.ts';

const sources = ['/shop/cart.py', '/shop/till.py'];
const none = (tree: string) =>
  `pyclink: error: ${tree}: contains no pyc of the manifest, such as /opt/app${pycsOf(sources[0] as string)[1]}\n` +
  '    hint: give --prepend DIR if the tree was built with it\n';

async function built(...flags: string[]) {
  const tree = plantBuildroot(
    Object.fromEntries(sources.map((path) => [path, { content: '"""Docs."""\n', mtime: 1_600_000_000 }])),
  );
  const manifest = join(tree, '../manifest.json');
  const ran = await pyclink(['build', '-q', '--buildroot', tree, ...flags, '--manifest', manifest, '/opt/app']);
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  const calling =
    (command: string) =>
    (...args: string[]) =>
      pyclink([command, '--manifest', manifest, ...(command === 'verify' ? [tree] : ['--buildroot', tree]), ...args]);
  const restamp = (...args: string[]) => calling('restamp')('--mtime', '5', ...args);
  return { tree, manifest, relink: calling('relink'), verify: calling('verify'), restamp };
}

const prepend = ['--prepend', '/opt/app'];
const healthy = { status: 0, stdout: 'pyclink: 6 pycs, 2 link groups: all as built\n', stderr: '' };

function breakLinks(tree: string): void {
  for (const path of sources.flatMap(pycsOf).map((pyc) => join(tree, pyc))) {
    copyFileSync(path, `${path}.copy`);
    renameSync(`${path}.copy`, path);
  }
}

describe('a tree with --prepend', () => {
  it('is verified with it', async () => {
    const { verify } = await built(...prepend);
    expect(await verify(...prepend)).toEqual(healthy);
    expect((await verify()).stdout).toContain('it contains no pyc of the manifest');
  });

  it('is relinked with it; without it nothing is touched, and the manifest does not match', async () => {
    const { tree, relink, verify } = await built(...prepend);
    const groups = linkGroupsIn(tree);
    breakLinks(tree);
    const before = contentsOf(tree);
    expect(await relink()).toEqual({ status: 2, stdout: '', stderr: none(tree) });
    expect(linkGroupsIn(tree)).toHaveLength(6);
    expect(await relink(...prepend)).toEqual({
      status: 0,
      stdout: 'pyclink: 2 link groups, 2 links restored, 0 refused\n',
      stderr: '',
    });
    expect(linkGroupsIn(tree)).toEqual(groups);
    expect(contentsOf(tree)).toEqual(before);
    expect(await verify(...prepend)).toEqual(healthy);
  });

  it('is restamped with it, manifest too; without it nothing is touched', async () => {
    const { tree, restamp, verify } = await built('-p', '/opt//app/');
    const before = contentsOf(tree);
    expect(await restamp()).toEqual({ status: 2, stdout: '', stderr: none(tree) });
    expect(contentsOf(tree)).toEqual(before);
    expect(lstatSync(join(tree, sources[0] as string)).mtimeMs).toBe(1_600_000_000_000);
    expect(await restamp(...prepend, '/opt/app/shop')).toEqual({
      status: 0,
      stdout: 'pyclink: 2 sources, 6 pycs restamped, 0 left unchanged\n',
      stderr: '',
    });
    expect(await verify(...prepend)).toEqual(healthy);
  });

  it('a missing pyc is reported, and the others are done', async () => {
    const { tree, restamp, relink } = await built(...prepend);
    const [gone = ''] = pycsOf(sources[0] as string);
    rmSync(join(tree, gone));
    const stderr = `pyclink: error: /opt/app${gone}: in the manifest, but not in the buildroot\n`;
    const stdout = 'pyclink: 2 sources, 5 pycs restamped, 0 left unchanged\n';
    expect(await restamp(...prepend)).toEqual({ status: 1, stdout, stderr });
    expect(await relink(...prepend)).toMatchObject({
      status: 1,
      stderr: `pyclink: error: /opt/app${gone}: not relinked: not a file in the buildroot\n`,
    });
  });

  it.each(['relink', 'restamp', 'verify'] as const)('%s takes an absolute directory only', async (command) => {
    const tree = await built(...prepend);
    const stderr = expect.stringContaining('--prepend: takes an absolute directory');
    expect(await tree[command]('--prepend', 'opt/app')).toMatchObject({ status: 2, stderr });
  });

  it('is not for packages, which have installed paths', async () => {
    const { tree, manifest } = await built(...prepend);
    await execa('tar', ['-cf', `${tree}.tar`, '-C', tree, '.']);
    expect(await pyclink(['verify', '--manifest', manifest, ...prepend, `${tree}.tar`])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--prepend is for a directory'),
    });
  });
});
