/** Gives built trees the mtimes of ostree and Nix: `build --mtime` and `restamp`. */
import { linkSync, lstatSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import {
  contentsOf,
  everythingIn,
  linkGroupsIn,
  plant,
  plantBuildroot,
  temporaryDirectory,
} from '../test/helpers/buildroot.ts';
import { leftoverOf } from '../test/helpers/leftovers.ts';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const directory = '/usr/lib/python3/dist-packages';
const pyc = (name: string, suffix = '') => `${directory}/__pycache__/${name}.${systemPython.cacheTag}${suffix}.pyc`;
const healthy = { status: 0, stdout: 'pyclink: 6 pycs, 2 link groups: all as built\n', stderr: '' };

async function built(...more: string[]) {
  const buildroot = plantBuildroot({
    [`${directory}/cart.py`]: { content: '"""Docs."""\nitems = []\n', mtime: 1_600_000_000 },
    [`${directory}/till.py`]: { content: 'total = 0\n', mtime: 1_700_000_000 },
  });
  const manifest = join(buildroot, '../manifest.json');
  const ran = await pyclink(['build', '-q', '--buildroot', buildroot, '--manifest', manifest, ...more]);
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  return {
    buildroot,
    manifest,
    restamp: (...args: string[]) => pyclink(['restamp', '--buildroot', buildroot, ...args]),
    verify: (target: string = buildroot) => pyclink(['verify', '--manifest', manifest, target]),
    mtimes: () => ['cart', 'till'].map((name) => lstatSync(join(buildroot, directory, `${name}.py`)).mtimeMs / 1000),
  };
}

/** What python -v says of modules that it imports from a tree: whether it reads their pycs. */
async function readsPycs(tree: string, level: string): Promise<boolean> {
  const args = [...(level === '' ? [] : [level]), '-B', '-v', '-c', 'import cart, till'];
  const env = { PYTHONPATH: join(tree, directory) };
  const { stderr } = await execa(systemPython.executable, args, { env });
  return ['cart', 'till'].every((name) => stderr.includes(`matches ${join(tree, directory, name)}.py`));
}

describe('restamp', () => {
  it('sets sources and headers, and keeps links, modes and the rest of the bytes', async () => {
    const tree = await built();
    const [before, links] = [contentsOf(tree.buildroot), linkGroupsIn(tree.buildroot)];
    expect(await tree.restamp('--mtime', '1', '--manifest', tree.manifest)).toEqual({
      status: 0,
      stdout: 'pyclink: 2 sources, 6 pycs restamped, 0 left unchanged\n',
      stderr: '',
    });
    expect(tree.mtimes()).toEqual([1, 1]);
    expect(linkGroupsIn(tree.buildroot)).toEqual(links);
    expect(await tree.verify()).toEqual(healthy);
    expect(readFileSync(join(tree.buildroot, pyc('till'))).readUInt32LE(8)).toBe(1);
    await tree.restamp('--mtime', '2020-09-13T12:26:40Z', directory);
    const after = contentsOf(tree.buildroot);
    const changed = Object.keys(before).filter((path) => before[path] !== after[path]);
    expect(changed).toHaveLength(3);
    expect(changed.every((path) => path.includes('/till.'))).toBe(true);
  });

  it('leaves pycs that build --keep-current keeps, those of empty sources too', async () => {
    const tree = await built();
    plant(tree.buildroot, { [`${directory}/__init__.py`]: '' });
    const build = (...more: string[]) => {
      const words = ['build', '--json', '--keep-current', '--buildroot', tree.buildroot, ...more];
      return pyclink([...words, '--manifest', tree.manifest]);
    };
    await build();
    expect(await tree.restamp('--mtime', '0', '--manifest', tree.manifest)).toMatchObject({ status: 0, stderr: '' });
    const state = () => [contentsOf(tree.buildroot), linkGroupsIn(tree.buildroot), readFileSync(tree.manifest, 'utf8')];
    const before = state();
    for (const more of [['--dry-run'], []]) {
      expect(JSON.parse((await build(...more)).stdout)).toMatchObject({ current: 3 });
      expect(state()).toEqual(before);
    }
  });

  it('rewrites nothing the second time, and nothing in a dry run', async () => {
    const tree = await built();
    const before = contentsOf(tree.buildroot);
    const dry = await tree.restamp('--mtime', '0', '--dry-run', '--manifest', tree.manifest);
    expect(dry.stdout).toBe('pyclink: 2 sources, 6 pycs to restamp, 0 left unchanged\n');
    expect(contentsOf(tree.buildroot)).toEqual(before);
    expect(tree.mtimes()).toEqual([1_600_000_000, 1_700_000_000]);
    expect(await tree.verify()).toEqual(healthy);
    await tree.restamp('--mtime', '0');
    const inode = lstatSync(join(tree.buildroot, pyc('cart'))).ino;
    expect((await tree.restamp('--mtime', '0')).stdout).toBe(
      'pyclink: 2 sources, 0 pycs restamped, 0 left unchanged\n',
    );
    expect(lstatSync(join(tree.buildroot, pyc('cart'))).ino).toBe(inode);
  });

  it('handles the names of one file together: symlinks and hard links', async () => {
    const names = {
      [`${directory}/cart.py`]: { content: 'total = 0\n', mtime: 1_600_000_000 },
      [`${directory}/alias.py`]: { symlink: 'cart.py' },
      [`${directory}/absolute.py`]: { symlink: `${directory}/cart.py` },
      [`${directory}/zz.py`]: { hardLink: `${directory}/cart.py` },
    };
    const buildroot = plantBuildroot(names);
    const manifest = join(buildroot, '../manifest.json');
    await pyclink(['build', '-q', '--buildroot', buildroot, '--manifest', manifest]);
    const restamp = () => pyclink(['restamp', '--buildroot', buildroot, '--mtime', '0', '--manifest', manifest]);
    expect(await restamp()).toMatchObject({
      status: 0,
      stdout: 'pyclink: 4 sources, 12 pycs restamped, 0 left unchanged\n',
      stderr: '',
    });
    expect(lstatSync(join(buildroot, directory, 'cart.py'))).toMatchObject({ mtimeMs: 0, nlink: 2 });
    expect(await pyclink(['verify', '--manifest', manifest, buildroot])).toMatchObject({ status: 0 });
    // One that does not fit keeps all of them as they are.
    await pyclink(['restamp', '-q', '--buildroot', buildroot, '--mtime', '5']);
    utimesSync(join(buildroot, directory, 'cart.py'), 7, 7);
    const before = contentsOf(buildroot);
    expect(await restamp()).toMatchObject({
      status: 1,
      stdout: 'pyclink: 4 sources, 0 pycs restamped, 12 left unchanged\n',
    });
    expect(contentsOf(buildroot)).toEqual(before);
    expect(lstatSync(join(buildroot, directory, 'cart.py')).mtimeMs).toBe(7000);
  });

  it('does not change a modified source and its pycs', async () => {
    const message = 'it records mtime 2023-11-14T22:13:20Z, the source has 1970-01-01T00:00:05Z';
    const tree = await built();
    const source = join(tree.buildroot, directory, 'till.py');
    utimesSync(source, 5, 5);
    const before = contentsOf(tree.buildroot);
    const ran = await tree.restamp('--mtime', '1700000000');
    expect(ran).toMatchObject({ status: 1, stdout: 'pyclink: 2 sources, 3 pycs restamped, 3 left unchanged\n' });
    expect(ran.stderr).toContain(`${pyc('till')}: left unchanged, with its source: ${message}\n`);
    // It would look valid now if the source had got that mtime.
    expect(tree.mtimes()).toEqual([1_700_000_000, 5]);
    const after = contentsOf(tree.buildroot);
    for (const path of Object.keys(before).filter((name) => name.includes('till'))) {
      expect(after[path]).toBe(before[path]);
    }
  });

  it('does not change pycs without a source, damaged ones, and files with a name outside', async () => {
    const tree = await built();
    plant(tree.buildroot, { [`${directory}/__pycache__/gone.${systemPython.cacheTag}.pyc`]: 'x' });
    writeFileSync(join(tree.buildroot, pyc('cart', '.opt-2')), 'damaged');
    linkSync(join(tree.buildroot, pyc('till')), join(tree.buildroot, '../outside'));
    const { status, stdout, stderr } = await tree.restamp('--mtime', '0');
    expect({ status, stdout }).toEqual({
      status: 1,
      stdout: 'pyclink: 3 sources, 0 pycs restamped, 5 left unchanged\n',
    });
    expect(stderr).toContain(`gone.${systemPython.cacheTag}.pyc: left unchanged, with its source: it has no source\n`);
    expect(stderr).toContain(
      `${pyc('cart', '.opt-2')}: left unchanged, with its source: it does not start with a magic number\n`,
    );
    expect(stderr).toContain(
      `${pyc('till')}: left unchanged, with its source: the file has another hard link elsewhere\n`,
    );
    expect(tree.mtimes()).toEqual([1_600_000_000, 1_700_000_000]);
  });

  it.each(['checked-hash', 'unchecked-hash'])(
    'does not set the mtime of a source that %s pycs do not fit',
    async (mode) => {
      const tree = await built('--invalidation-mode', mode);
      writeFileSync(join(tree.buildroot, directory, 'till.py'), 'total = 1\n');
      const before = tree.mtimes()[1];
      const { status, stdout, stderr } = await tree.restamp('--mtime', '5', '--manifest', tree.manifest);
      expect({ status, stdout }).toEqual({
        status: 1,
        stdout: 'pyclink: 2 sources, 0 pycs restamped, 3 left unchanged\n',
      });
      expect(stderr).toContain(
        `${pyc('till')}: left unchanged, with its source: the hash of the source does not match\n`,
      );
      expect(tree.mtimes()).toEqual([5, before]);
    },
  );

  it('records pycs that an interrupted run has restamped, those of empty sources too', async () => {
    const { buildroot, manifest, restamp, verify } = await built();
    plant(buildroot, { [`${directory}/__init__.py`]: '' });
    await pyclink(['build', '-q', '--buildroot', buildroot, '--manifest', manifest]);
    // As if it was ended before it wrote the manifest.
    await restamp('--mtime', '0');
    expect(await restamp('--mtime', '0', '--manifest', manifest)).toMatchObject({ status: 0 });
    expect(await verify()).toMatchObject({ status: 0, stdout: 'pyclink: 9 pycs, 3 link groups: all as built\n' });
    expect(JSON.parse(readFileSync(manifest, 'utf8')).invalidationModes).toEqual(['checked-hash', 'timestamp']);
  });

  it('ignores and removes leftovers of a killed run', async () => {
    const tree = await built();
    const names = everythingIn(tree.buildroot);
    const ended = await execa('sh', ['-c', 'echo $$']);
    const backup = join(tree.buildroot, directory, '__pycache__', leftoverOf(Number(ended.stdout)));
    linkSync(join(tree.buildroot, pyc('cart')), backup);
    expect((await tree.restamp('--mtime', '0')).stdout).toBe(
      'pyclink: 2 sources, 6 pycs restamped, 0 left unchanged\n',
    );
    expect(everythingIn(tree.buildroot)).toEqual(names);
  });

  it('needs no more memory for many pycs than for a few', async () => {
    const { buildroot } = await built();
    const old = readFileSync(join(buildroot, pyc('cart')));
    const large = Buffer.concat([old.subarray(0, 16), Buffer.alloc(2 ** 20)]);
    const plantMany = (count: number) => {
      for (let i = 0; i < count; i++) {
        const name = `m${i}`;
        const source = { content: '"""Docs."""\nitems = []\n', mtime: 1_600_000_000 };
        plant(buildroot, { [`${directory}/${name}.py`]: source, [pyc(name)]: large, [pyc(name, '.opt-1')]: large });
      }
    };
    const restampedAt = async (mtime: string) => {
      const command = [process.execPath, bundle, 'restamp', '--buildroot', buildroot, '--mtime', mtime, '-q'];
      const { stderr } = await execa('/usr/bin/time', ['-f', '%M', ...command]);
      return Number(stderr) / 1024;
    };
    plantMany(50);
    const few = await restampedAt('1600000001');
    plantMany(350);
    const many = await restampedAt('1600000002').catch(() => Number.NaN);
    expect(many).toBeLessThan(few + 50);
  });

  it.each(['checked-hash', 'unchecked-hash'])('does not change the bytes of %s pycs', async (mode) => {
    const tree = await built('--invalidation-mode', mode);
    const before = contentsOf(tree.buildroot);
    expect((await tree.restamp('--mtime', '0')).stdout).toBe(
      'pyclink: 2 sources, 0 pycs restamped, 0 left unchanged\n',
    );
    expect(contentsOf(tree.buildroot)).toEqual(before);
    expect(await tree.verify()).toEqual(healthy);
  });

  it.each([
    [['--mtime', 'yesterday'], '--mtime: takes seconds since 1970, or a date'],
    [['--mtime', '-1'], '--mtime: takes seconds since 1970, or a date'],
    [[], "required option '--mtime <time>' not specified"],
  ])('refuses %j', async (args, message) => {
    const tree = await built();
    expect(await tree.restamp(...args)).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
  });
});

describeWith(missingTools('ostree'), 'a checkout of ostree, whose files all have mtime 0', () => {
  async function checkedOut(buildroot: string): Promise<string> {
    const top = temporaryDirectory();
    const ostree = (...args: string[]) => execa('ostree', ['--repo=repo', ...args], { cwd: top });
    await ostree('init', '--mode=bare');
    await ostree('commit', '--branch=main', buildroot);
    await ostree('checkout', '-H', 'main', 'tree');
    return join(top, 'tree');
  }

  it('has stale pycs without restamp', async () => {
    const { buildroot } = await built();
    expect(await readsPycs(await checkedOut(buildroot), '')).toBe(false);
  });

  it.each(['build', 'restamp'])('is loaded at every level after %s --mtime 0, and verified', async (command) => {
    const tree = await built(...(command === 'build' ? ['--mtime', '0'] : []));
    if (command === 'restamp') await tree.restamp('--mtime', '0', '--manifest', tree.manifest);
    const checkout = await checkedOut(tree.buildroot);
    expect(await tree.verify(checkout)).toEqual(healthy);
    for (const level of ['', '-O', '-OO']) expect(await readsPycs(checkout, level)).toBe(true);
  });
});
