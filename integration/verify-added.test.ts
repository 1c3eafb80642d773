/** Bytecode that the build did not make, and payloads of which a manifest says little or nothing. */

import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import {
  type Addition,
  add,
  additions,
  type Built,
  built,
  directory,
  healthy,
  library,
  payloads,
  plantEvil,
  saidBy,
  tag,
  verify,
} from './helpers/added-bytecode.ts';
import { describeRpm, rpmbuilt, site } from './helpers/rpm.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

describe('bytecode that the build did not make', () => {
  it.each(Object.keys(additions))('is named: %s', async (what) => {
    const tree = await built();
    const addition = additions[what] as Addition;
    const path = addition.named ?? addition.pyc;
    expect(await add(tree, addition)).toBe('evil');
    const { status, stdout } = await verify(tree);
    expect(stdout).toContain(`unrecorded: ${path}: `);
    expect(stdout).toContain('pyclink: 4 pycs, 2 link groups: 1 finding\n');
    expect(status).toBe(1);
    expect(await verify(tree, '--allow', path, tree.buildroot)).toEqual(healthy);
  });

  it('is reported below the library of Python 2, if Python 3 made it', async () => {
    const tree = await built();
    const path = '/usr/lib/python2.7/dist-packages/evil.pyc';
    await plantEvil(tree, path, `${directory}/evil.py`);
    expect(await verify(tree)).toMatchObject({ status: 1, stdout: expect.stringContaining(`unrecorded: ${path}: `) });
  });

  it('is reported also if it or its directory is a symlink', async () => {
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

describeWith(
  missingTools('dpkg-deb', 'umoci', 'rpmbuild'),
  'bytecode that the build did not make, in a package',
  () => {
    it.each(Object.keys(payloads))('is named in a %s', async (kind) => {
      const tree = await built();
      for (const addition of Object.values(additions)) expect(await add(tree, addition)).toBe('evil');
      const { status, stdout } = await verify(tree, (await payloads[kind]?.(tree)) as string);
      const named = Object.values(additions).map(({ pyc, named: path = pyc }) => path);
      expect(Array.from(stdout.matchAll(/^(\S+): (\S+):/gm), ([, what, path]) => `${what} ${path}`)).toEqual(
        named.map((path) => `unrecorded ${path}`).sort(),
      );
      expect(status).toBe(1);
    });

    it.each(Object.keys(payloads))('and other changes are named in a %s', async (kind) => {
      const said = async (change: (tree: Built) => void) => {
        const tree = await built();
        change(tree);
        const { stdout, status } = await verify(tree, (await payloads[kind]?.(tree)) as string);
        return { status, lines: stdout.split('\n').filter((line) => !line.startsWith('pyclink: 4 pycs')) };
      };
      const cart = `${directory}/cart.py`;
      const pycs = ['.opt-1.pyc', '.pyc'].map((end) => `${directory}/__pycache__/cart.${tag}${end}`);
      const changed = await said((tree) => {
        const { atime, mtime } = statSync(tree.at(cart));
        writeFileSync(tree.at(cart), 'SAID = "BUILT"\n');
        utimesSync(tree.at(cart), atime, mtime);
      });
      const otherSha256 = 'its source changed after compilation: SHA-256 mismatch';
      expect(changed.lines).toEqual([...pycs.map((path) => `source-changed: ${path}: ${otherSha256}`), '']);
      expect(changed.status).toBe(1);
      const exposed = await said((tree) => chmodSync(tree.at(cart), 0o600));
      expect(exposed.lines).toEqual([...pycs.map((path) => `exposed: ${path}: mode 0644, its source has 0600`), '']);
      expect(exposed.status).toBe(1);
      const unreadable = await said((tree) => {
        for (const path of pycs) chmodSync(tree.at(path), 0o600);
      });
      expect(unreadable.lines).toEqual([
        ...pycs.map((path) => `unreadable: ${path}: mode 0600, its source has 0644`),
        '',
      ]);
      expect(unreadable.status).toBe(1);
      const left = await said((tree) => {
        for (const path of [cart, ...pycs]) rmSync(tree.at(path));
      });
      expect(left).toEqual({
        status: 0,
        lines: ['pyclink: 1 module of the manifest without source and pycs in the payload', ''],
      });
      const gone = await said((tree) => rmSync(tree.at(cart)));
      expect(gone).toEqual({
        status: 1,
        lines: [`missing: ${cart}: in the manifest, but not in the payload, although its pycs are`, ''],
      });
    });

    it.each([
      ['.pyo', `${directory}/cart.pyo`],
      ['pyc beside its source', `${directory}/cart.pyc`],
    ])('is not reported if Python does not load it: a %s', async (_, path) => {
      const tree = await built();
      await plantEvil(tree, path, `${directory}/cart.py`);
      expect(await saidBy(tree, 'shop.cart')).toBe('built');
      expect(await verify(tree)).toEqual(healthy);
    });

    it.each(['pypy39', 'cpython-27', 'cpython-399', 'jython-27'])(
      'is foreign if another Python made it: %s',
      async (other) => {
        const tree = await built();
        const path = `${directory}/__pycache__/cart.${other}.pyc`;
        await plantEvil(tree, path, `${directory}/cart.py`);
        expect(await saidBy(tree, 'shop.cart')).toBe('built');
        expect(await verify(tree)).toMatchObject({ status: 1, stdout: expect.stringMatching(`^foreign: ${path}: `) });
      },
    );
  },
);

describeRpm('bytecode that the build did not make, in an rpm', () => {
  it('is reported: a level that is not in the manifest', async () => {
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
  it('reports that nothing was verified if the manifest has no pycs', async () => {
    const tree = await built('--exclude', '*.py');
    for (const buildroot of [tree.buildroot, plantBuildroot({})]) {
      const { status, stdout } = await verify({ ...tree, buildroot });
      expect(stdout).toBe(
        'pyclink: the manifest has no pycs: there is nothing to verify\npyclink: 0 pycs, 0 link groups: not verified\n',
      );
      expect(status).toBe(1);
    }
  });

  it('reports once that a manifest is that of another package', async () => {
    const tree = await built();
    const other = plantBuildroot({ [`${library}/other.py`]: 'x = 1\n' });
    expect(await pyclink(['build', '-q', '--buildroot', other])).toMatchObject({ status: 0 });
    expect(await verify(tree, other)).toEqual({
      status: 1,
      stdout: `pyclink: ${other}: it contains no pyc of the manifest\npyclink: 4 pycs, 2 link groups: not verified\n`,
      stderr: '',
    });
  });

  it('verifies nothing if one of several images contains nothing of the manifest', async () => {
    const [tree, other] = [await built(), await built()];
    rmSync(other.at(directory), { recursive: true });
    const images = [await payloads['image']?.(tree), await payloads['image']?.(other)] as string[];
    expect(await verify(tree, ...images)).toEqual({
      status: 1,
      stdout: `pyclink: ${images[1]}: it contains no pyc of the manifest\npyclink: 4 pycs, 2 link groups: not verified\n`,
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

  it('accepts sources that are missing with all their pycs, and reports how many', async () => {
    const tree = await built();
    for (const path of ['cart.py', ...['', '.opt-1'].map((level) => `__pycache__/cart.${tag}${level}.pyc`)]) {
      rmSync(tree.at(`${directory}/${path}`));
    }
    expect(await verify(tree)).toEqual({
      ...healthy,
      stdout: `pyclink: 1 module of the manifest without source and pycs in the payload\n${healthy.stdout}`,
    });
  });

  it('reports unreadable files, and checks the others', async () => {
    const tree = await built();
    const path = tree.at(`${directory}/__pycache__/cart.${tag}.opt-1.pyc`);
    writeFileSync(`${path}.copy`, readFileSync(path), { mode: 0o600 });
    renameSync(`${path}.copy`, path);
    chmodSync(tree.buildroot, 0o755);
    chmodSync(dirname(tree.buildroot), 0o755);
    const ran = await pyclink(['verify', '--manifest', tree.manifest, tree.buildroot], { uid: 65534 });
    expect(ran.stdout).toContain(`pyclink: ${path}: cannot be read (EACCES)\n`);
    expect(ran.stdout).toContain(`unlinked: ${directory}/__pycache__/cart.${tag}.pyc: not the same file as `);
    expect(ran).toMatchObject({ status: 1, stderr: '' });
  });

  it('reports a source that changed, though its size and mtime did not', async () => {
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
  ])('knows the digests of the sources, however they were compiled: %s %s', async (...flags) => {
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

  it('reports pycs that are readable by more users than their source', async () => {
    const tree = await built();
    chmodSync(tree.at(`${directory}/cart.py`), 0o600);
    const { status, stdout } = await verify(tree);
    expect(status).toBe(1);
    expect(stdout).toContain(`exposed: ${directory}/__pycache__/cart.${tag}.pyc: mode 0644, its source has 0600\n`);
  });
});
