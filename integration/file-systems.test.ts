/** Links on file systems that show them in another way, or not at all, and where a file has all the links it can have. */
import { execFileSync } from 'node:child_process';
import { linkSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { linkGroupsIn, plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { healthySource, healthyText, library, pycsOf } from './helpers/healthy.ts';
import { describeWhere, describeWith, lackingAbilities, missingRoot, missingTools } from './helpers/tools.ts';

const cache = `${library}/__pycache__`;
const names = ['', '.opt-1', '.opt-2'].map((level) => `m.${systemPython.cacheTag}${level}.pyc`) as [
  string,
  string,
  string,
];
const [zero, one, two] = names;

const missing = [...missingRoot(), ...missingTools('mergerfs', 'mkfs.ext4')];
const lacking = missing.length > 0 ? [] : lackingAbilities('mounts', 'loop devices', 'FUSE');

describeWith(missing, 'links on other file systems', () => {
  describeWhere(lacking, 'where they can be mounted', () => {
    describe('an overlay whose layers are on two file systems', () => {
      it('links pycs of different layers, with the names that a lower layer had linked', async () => {
        const tree = await overlay((lower) => {
          plant(lower, { [`${cache}/${zero}`]: 'same', [`${cache}/${one}`]: { hardLink: `${cache}/${zero}` } });
        });
        plant(tree, { [`${cache}/${two}`]: 'same' });
        expect(await link(tree)).toMatchObject({
          status: 0,
          stdout: expect.stringContaining('1 link made'),
          stderr: '',
        });
        expect(linkGroupsIn(join(tree, cache))).toEqual([names.toSorted()]);
        expect(lstatSync(join(tree, cache, zero)).nlink).toBe(3);
        expect(await link(tree)).toMatchObject({ status: 0, stdout: expect.stringContaining('0 links made') });
      });

      it('records what became one file', async () => {
        const tree = await overlay((lower) => plant(lower, { [healthySource]: healthyText }));
        const manifest = join(tree, '../manifest.json');
        await execa(systemPython.executable, ['-m', 'compileall', '-q', '-o0', '-o1', '-o2', tree]);
        const build = (...more: string[]) =>
          pyclink(['build', '-q', '--buildroot', tree, '--manifest', manifest, ...more]);
        const verify = () => pyclink(['verify', '--manifest', manifest, tree]);
        for (const more of [['--keep-current'], [], []]) {
          expect(await build(...more)).toEqual({ status: 0, stdout: '', stderr: '' });
          expect(await verify()).toMatchObject({ status: 0, stderr: '' });
        }
      });
    });

    describe('mergerfs, where each name has its own inode number', () => {
      it('links identical files', async () => {
        const { tree, beneath } = await union();
        plant(tree, Object.fromEntries(names.map((name) => [`${cache}/${name}`, 'same'])));
        expect(lstatSync(join(tree, cache, zero)).ino).not.toBe(lstatSync(join(tree, cache, one)).ino);
        expect(await link(tree)).toMatchObject({
          status: 0,
          stdout: expect.stringContaining('2 links made'),
          stderr: '',
        });
        expect(linkGroupsIn(join(beneath, cache))).toEqual([names.toSorted()]);
      });

      it.each([[[]], [['--keep-current']]])('builds, and builds again with %j', async (more) => {
        const { tree, beneath } = await union();
        plant(tree, { [healthySource]: healthyText });
        const manifest = join(tree, '../manifest.json');
        for (const args of [[], more, more]) {
          const build = ['build', '-q', '--buildroot', tree, '--manifest', manifest, ...args];
          const stderr = `pyclink: warning: ${tree}: its file system shows the links as separate files; a package or copy made from it loses the links\n`;
          expect(await pyclink(build)).toEqual({ status: 0, stdout: '', stderr });
          expect(await pyclink(['verify', '--manifest', manifest, beneath])).toMatchObject({
            status: 0,
            stdout: 'pyclink: 3 pycs, 1 link group: all as built\n',
          });
        }
      });

      it('restamps and normalizes pycs with their names', async () => {
        const { tree, beneath } = await union();
        plant(tree, { [healthySource]: healthyText });
        await pyclink(['build', '-q', '--no-normalize', '--buildroot', tree]);
        await link(tree);
        const groups = linkGroupsIn(beneath);
        expect(groups).toHaveLength(2);
        expect(await pyclink(['restamp', '-q', '--mtime', '1', '--buildroot', tree])).toMatchObject({
          status: 0,
          stderr: '',
        });
        expect(linkGroupsIn(beneath)).toEqual(groups);
        for (const pyc of pycsOf(healthySource)) expect(readFileSync(join(beneath, pyc)).readUInt32LE(8)).toBe(1);
        expect(await link(tree, '--normalize')).toMatchObject({ status: 0, stderr: '' });
        expect(linkGroupsIn(beneath)).toEqual(groups);
      });

      it('does not change a pyc whose other name is not in the tree', async () => {
        const { tree, beneath } = await union();
        plant(tree, { [healthySource]: healthyText });
        await pyclink(['build', '-q', '--buildroot', tree]);
        const [first] = pycsOf(healthySource) as [string];
        linkSync(join(beneath, first), join(beneath, 'elsewhere'));
        const ran = await pyclink(['restamp', '--mtime', '1', '--buildroot', tree]);
        expect(ran.status).toBe(1);
        expect(ran.stderr).toContain('the file has another hard link elsewhere');
      });
    });

    it('continues with the next file when the link limit is reached', async () => {
      const at = join(temporaryDirectory(), 'mounted');
      const image = `${at}.image`;
      execFileSync('truncate', ['-s', '48M', image]);
      execFileSync('mkfs.ext4', ['-q', '-m', '0', '-N', '4000', image]);
      mount(at, ['-o', 'loop', image]);
      const tree = join(at, 'buildroot');
      plant(tree, Object.fromEntries(names.map((name) => [`${cache}/${name}`, 'same'])));
      const [first] = names.toSorted() as [string];
      const links = 'import os, sys\nfor i in range(64999): os.link(sys.argv[1], sys.argv[2] + str(i))';
      execFileSync(systemPython.executable, ['-c', links, join(tree, cache, first), join(at, 'link-')]);
      const ran = await link(tree);
      expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('1 link made') });
      expect(ran.stderr).toContain('not linked: the file system refused the link: EMLINK');
      expect(linkGroupsIn(join(tree, cache))).toEqual([[first], names.toSorted().slice(1)]);
    });
  });
});

const link = (tree: string, ...more: string[]) => pyclink(['link', '--buildroot', tree, ...more]);

/** An overlay with a tmpfs for each of its layers. @param fill puts files into the lower one */
async function overlay(fill: (lower: string) => void): Promise<string> {
  const place = temporaryDirectory();
  const [lower, upper, tree] = ['lower', 'upper', 'tree'].map((name) => join(place, name)) as [string, string, string];
  for (const layer of [lower, upper]) mount(layer, ['-t', 'tmpfs', 'tmpfs']);
  fill(lower);
  for (const name of ['files', 'work']) mkdirSync(join(upper, name));
  const options = `lowerdir=${lower},upperdir=${join(upper, 'files')},workdir=${join(upper, 'work')}`;
  mount(tree, ['-t', 'overlay', '-o', options, 'overlay']);
  return tree;
}

/** A file system of mergerfs, and the directory beneath it. */
async function union(): Promise<{ tree: string; beneath: string }> {
  const place = temporaryDirectory();
  const [tree, beneath] = [join(place, 'tree'), join(place, 'beneath')];
  for (const directory of [tree, beneath]) mkdirSync(directory);
  execFileSync('mergerfs', ['-o', 'inodecalc=path-hash', beneath, tree]);
  onTestFinished(() => void execFileSync('umount', [tree]));
  return { tree, beneath };
}

function mount(at: string, args: readonly string[]): void {
  mkdirSync(at);
  execFileSync('mount', [...args, at]);
  onTestFinished(() => void execFileSync('umount', [at]));
}
