/** Bytecode that the build did not make, and payloads of which a manifest says little or nothing. */

import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeRpm, rpmbuilt, site } from './helpers/rpm.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const library = `/usr/lib/python${systemPython.minor}`;
const directory = `${library}/shop`;
const tag = systemPython.cacheTag;

interface Built {
  readonly buildroot: string;
  readonly manifest: string;
  at(path: string): string;
  beside(name: string): string;
}

/** A package of two modules, built at levels 0 and 1. */
async function built(...more: string[]): Promise<Built> {
  const buildroot = plantBuildroot({
    [`${directory}/__init__.py`]: '',
    [`${directory}/cart.py`]: 'SAID = "built"\n',
  });
  const beside = (name: string) => join(buildroot, '..', name);
  const manifest = beside('manifest.json');
  const ran = await pyclink([
    'build',
    '--buildroot',
    buildroot,
    '--manifest',
    manifest,
    '-q',
    '-o',
    '0',
    '-o',
    '1',
    ...more,
  ]);
  expect(ran).toMatchObject({ status: 0, stdout: '' });
  return { buildroot, manifest, beside, at: (path) => join(buildroot, path) };
}

const verify = ({ manifest, buildroot }: Built, ...args: string[]) =>
  pyclink(['verify', '--manifest', manifest, ...(args.length === 0 ? [buildroot] : args)]);
const healthy = { status: 0, stdout: 'pyclink: 4 pycs, 2 link groups: all as built\n', stderr: '' };

/** Compiles other code than the source's, with a header that fits the source if there is one. */
const forge = `
import importlib.util, marshal, os, sys
target, source = sys.argv[1:]
code = compile('SAID = "evil"', source, "exec")
stat = os.stat(source) if os.path.exists(source) else None
header = [0, int(stat.st_mtime), stat.st_size] if stat else [0, 0, 0]
os.makedirs(os.path.dirname(target), exist_ok=True)
with open(target, "wb") as file:
    file.write(importlib.util.MAGIC_NUMBER + b"".join(n.to_bytes(4, "little") for n in header) + marshal.dumps(code))
`;

async function plantEvil(tree: Built, path: string, source: string): Promise<void> {
  await execa(systemPython.executable, ['-c', forge, tree.at(path), tree.at(source)]);
}

/** What a module of the tree says when the system's Python imports it. */
async function saidBy(tree: Built, module: string, ...flags: string[]): Promise<string> {
  const script = `import sys; sys.path.insert(0, sys.argv[1]); import ${module}; print(${module}.SAID)`;
  const args = [...flags, '-S', '-B', '-c', script, tree.at(library)];
  return (await execa(systemPython.executable, args)).stdout;
}

/** What is added to a package: the pyc, the source that its header fits, and how Python comes to load it. */
const additions: Readonly<Record<string, readonly [path: string, source: string, module: string, ...flags: string[]]>> =
  {
    'another level of a module': [
      `${directory}/__pycache__/cart.${tag}.opt-2.pyc`,
      `${directory}/cart.py`,
      'shop.cart',
      '-OO',
    ],
    'a module without a source': [`${directory}/evil.pyc`, `${directory}/evil.py`, 'shop.evil'],
  };

/** How a tree becomes a payload. */
const payloads: Readonly<Record<string, (tree: Built) => Promise<string>>> = {
  tree: async ({ buildroot }) => buildroot,
  tar: async ({ buildroot, beside }) => {
    await execa('tar', ['-C', buildroot, '-caf', beside('shop.tar.gz'), '.']);
    return beside('shop.tar.gz');
  },
  deb: async ({ buildroot, beside }) => {
    mkdirSync(join(buildroot, 'DEBIAN'));
    const control =
      'Package: shop\nVersion: 1\nArchitecture: all\nMaintainer: Shop <shop@example.org>\nDescription: shop\n';
    writeFileSync(join(buildroot, 'DEBIAN/control'), control);
    await execa('dpkg-deb', ['--build', '--root-owner-group', buildroot, beside('shop.deb')]);
    return beside('shop.deb');
  },
  image: async ({ buildroot, beside }) => {
    const run = (...args: string[]) => execa('umoci', args, { cwd: dirname(buildroot) });
    await run('init', '--layout', 'oci');
    await run('new', '--image', 'oci:shop');
    await run('insert', '--image', 'oci:shop', basename(buildroot), '/');
    return `${beside('oci')}:shop`;
  },
};

describeWith(missingTools('dpkg-deb', 'umoci'), 'bytecode that the build did not make', () => {
  describe.each(Object.keys(payloads))('in a %s', (kind) => {
    it.each(Object.keys(additions))('is named: %s', async (what) => {
      const tree = await built();
      const [path, source, module, ...flags] = additions[what] as (typeof additions)[string];
      await plantEvil(tree, path, source);
      expect(await saidBy(tree, module, ...flags)).toBe('evil');
      const target = await payloads[kind]?.(tree);
      const { status, stdout } = await verify(tree, target as string);
      expect(stdout).toContain(`unrecorded: ${path}: `);
      expect(stdout).toContain('pyclink: 4 pycs, 2 link groups: 1 finding\n');
      expect(status).toBe(1);
      expect(await verify(tree, '--allow', path, target as string)).toEqual(healthy);
    });
  });

  it('is named also where it is a symlink, and where its directory is one', async () => {
    const tree = await built();
    const cache = `${directory}/__pycache__`;
    await plantEvil(tree, `${directory}/hidden/cart.${tag}.opt-2.pyc`, `${directory}/cart.py`);
    symlinkSync(`../hidden/cart.${tag}.opt-2.pyc`, tree.at(`${cache}/cart.${tag}.opt-2.pyc`));
    expect(await saidBy(tree, 'shop.cart', '-OO')).toBe('evil');
    expect((await verify(tree)).stdout).toContain(`unrecorded: ${cache}/cart.${tag}.opt-2.pyc: `);
    rmSync(tree.at(`${cache}/cart.${tag}.opt-2.pyc`));
    for (const level of ['', '.opt-1']) {
      renameSync(tree.at(`${cache}/cart.${tag}${level}.pyc`), tree.at(`${directory}/hidden/cart.${tag}${level}.pyc`));
      renameSync(
        tree.at(`${cache}/__init__.${tag}${level}.pyc`),
        tree.at(`${directory}/hidden/__init__.${tag}${level}.pyc`),
      );
    }
    rmSync(tree.at(cache), { recursive: true });
    symlinkSync('hidden', tree.at(cache));
    expect(await saidBy(tree, 'shop.cart', '-OO')).toBe('evil');
    expect(await verify(tree)).toMatchObject({ status: 1, stdout: expect.stringContaining('unrecorded: ') });
  });
});

describeRpm('bytecode that the build did not make, in an rpm', () => {
  it('is named: a level that is not in the manifest', async () => {
    const { manifest, rpms } = await rpmbuilt({ plant: { [`${site}/shop/cart.py`]: 'x = 1\n' } });
    expect(await pyclink(['verify', '--manifest', manifest, ...rpms])).toMatchObject({ status: 0 });
    const { linkGroups, ...rest } = JSON.parse(readFileSync(manifest, 'utf8'));
    const [{ paths, ...group }] = linkGroups;
    const [recorded, added] = paths;
    const singlePycs = [{ ...group, paths: [recorded] }];
    writeFileSync(manifest, JSON.stringify({ ...rest, linkGroups: [], singlePycs }));
    const { status, stdout } = await pyclink(['verify', '--manifest', manifest, ...rpms]);
    expect(status).toBe(1);
    expect(stdout).toMatch(`unrecorded: ${added}: not in the manifest: this build did not make it\n`);
  });
});

describe('verify', () => {
  it('says that nothing was verified if the manifest has no pycs', async () => {
    const tree = await built('--exclude', '*.py');
    for (const buildroot of [tree.buildroot, plantBuildroot({})]) {
      const { status, stdout } = await verify({ ...tree, buildroot });
      expect(stdout).toBe(
        'pyclink: the manifest has no pycs: there is nothing to verify\npyclink: 0 pycs, 0 link groups: not verified\n',
      );
      expect(status).toBe(1);
    }
  });

  it('says once that a manifest is that of another package', async () => {
    const tree = await built();
    const other = plantBuildroot({ [`${library}/other.py`]: 'x = 1\n' });
    expect(await verify(tree, other)).toEqual({
      status: 1,
      stdout: `pyclink: ${other}: no pyc of the manifest is in it\npyclink: 4 pycs, 2 link groups: not verified\n`,
      stderr: '',
    });
  });

  it('uses every manifest that it is given', async () => {
    const tree = await built('--exclude', 'cart.py');
    const second = tree.beside('second.json');
    await pyclink([
      'build',
      '-q',
      '--buildroot',
      tree.buildroot,
      '--manifest',
      second,
      '-o',
      '0',
      `${directory}/cart.py`,
    ]);
    expect(await verify(tree, tree.buildroot)).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^unrecorded: .*cart/),
    });
    expect(await verify(tree, '--manifest', second, tree.buildroot)).toEqual({
      ...healthy,
      stdout: 'pyclink: 3 pycs, 1 link group: all as built\n',
    });
  });

  it('expects nothing of sources that are left out with all their pycs, and says how many', async () => {
    const tree = await built();
    for (const path of ['cart.py', ...['', '.opt-1'].map((level) => `__pycache__/cart.${tag}${level}.pyc`)]) {
      rmSync(tree.at(`${directory}/${path}`));
    }
    expect(await verify(tree)).toEqual({
      ...healthy,
      stdout: `pyclink: 1 source of the manifest left out, with all pycs\n${healthy.stdout}`,
    });
  });

  it('names what it may not read, and checks the others', async () => {
    const tree = await built();
    const path = tree.at(`${directory}/__pycache__/cart.${tag}.opt-1.pyc`);
    writeFileSync(`${path}.copy`, readFileSync(path), { mode: 0o600 });
    renameSync(`${path}.copy`, path);
    chmodSync(tree.buildroot, 0o755);
    chmodSync(dirname(tree.buildroot), 0o755);
    const ran = await pyclink(['verify', '--manifest', tree.manifest, tree.buildroot], { uid: 65534 });
    expect(ran.stdout).toContain(`pyclink: ${path}: cannot be read (EACCES)\n`);
    expect(ran.stdout).toContain(`unlinked: ${directory}/__pycache__/cart.${tag}.pyc: another file than `);
    expect(ran).toMatchObject({ status: 1, stderr: '' });
  });

  it('names a source that changed, though its size and mtime did not', async () => {
    const tree = await built();
    const path = tree.at(`${directory}/cart.py`);
    const { atime, mtime } = statSync(path);
    writeFileSync(path, 'SAID = "BUILT"\n');
    utimesSync(path, atime, mtime);
    const { status, stdout } = await verify(tree);
    expect(status).toBe(1);
    expect(stdout).toContain(`source-changed: ${directory}/__pycache__/cart.${tag}.pyc: `);
    expect(await saidBy(tree, 'shop.cart')).toBe('built');
  });

  it.each([
    ['--no-normalize'],
    ['-j', '8'],
    ['--keep-current'],
    ['--cache-dir', 'CACHE'],
    ['--invalidation-mode', 'checked-hash'],
  ])('knows what the sources were, however they were compiled: %s %s', async (...flags) => {
    const tree = await built();
    const args = flags.map((flag) => (flag === 'CACHE' ? tree.beside('cache') : flag));
    const again = [
      'build',
      '--buildroot',
      tree.buildroot,
      '-q',
      '-o',
      '0',
      '-o',
      '1',
      '--manifest',
      tree.manifest,
      ...args,
    ];
    for (const _ of [1, 2]) expect(await pyclink(again)).toMatchObject({ status: 0 });
    const { linkGroups, singlePycs } = JSON.parse(readFileSync(tree.manifest, 'utf8'));
    for (const { source, sourceSha256 } of [...linkGroups, ...singlePycs]) {
      const content = readFileSync(tree.at(source));
      expect(sourceSha256).toBe(createHash('sha256').update(content).digest('hex'));
    }
    expect(await verify(tree)).toMatchObject({ status: 0 });
  });

  it('names pycs that more users may read than their source', async () => {
    const tree = await built();
    chmodSync(tree.at(`${directory}/cart.py`), 0o600);
    const { status, stdout } = await verify(tree);
    expect(status).toBe(1);
    expect(stdout).toContain(`exposed: ${directory}/__pycache__/cart.${tag}.pyc: mode 0644, its source has 0600\n`);
  });
});
