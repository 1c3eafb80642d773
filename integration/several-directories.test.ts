/** `verify` and `audit` of several directories: the staged packages of a build, and PATHs that were built in place. */
import { chmodSync, copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { plant, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';

const site = '/usr/lib/python3/dist-packages';
const pyc = (directory: string, name: string) => join(directory, `__pycache__/${name}.${systemPython.cacheTag}.pyc`);
const asBuilt = { status: 0, stdout: 'pyclink: 6 pycs, 2 link groups: all as built\n', stderr: '' };

/** Two staged packages, and one manifest of both. */
async function stagedPackages() {
  const shop = plantBuildroot({ [`${site}/shop/cart.py`]: 'items = []\n' });
  const top = dirname(shop);
  const till = join(top, 'till');
  plant(till, { [`${site}/till/sum.py`]: 'total = 0\n' });
  const manifest = join(top, 'm.json');
  for (const buildroot of [shop, till]) {
    const own = join(top, `${buildroot === shop}.json`);
    expect(await pyclink(['build', '-q', '--buildroot', buildroot, '--manifest', own])).toMatchObject({ status: 0 });
  }
  const verify = (...more: string[]) =>
    pyclink(['verify', '--manifest', join(top, 'true.json'), '--manifest', join(top, 'false.json'), ...more]);
  return { shop, till, top, manifest, verify, audit: (...args: string[]) => pyclink(['audit', ...args]) };
}

/** Two directories of the running system, built in place by one run. */
async function builtInPlace() {
  const top = temporaryDirectory();
  plant(top, { 'app/shop/cart.py': 'items = []\n', 'srv/jobs/till.py': 'total = 0\n' });
  const [app, srv, manifest] = [join(top, 'app'), join(top, 'srv'), join(top, 'm.json')];
  const built = await pyclink(['build', '-q', '--in-place', app, srv, '--manifest', manifest]);
  expect(built).toEqual({ status: 0, stdout: '', stderr: '' });
  const verify = (...targets: string[]) => pyclink(['verify', '--manifest', manifest, ...targets], { cwd: top });
  return { top, app, srv, verify };
}

describe('verify of several directories', () => {
  it('treats each as the root of a package: a path of the manifest is in one of them', async () => {
    const { shop, till, verify } = await stagedPackages();
    expect(await verify(shop, till)).toEqual(asBuilt);
    expect(await verify(till, `${shop}/`, shop)).toEqual(asBuilt);
    writeFileSync(join(till, pyc(`${site}/till`, 'sum')), 'x');
    const { status, stdout } = await verify(shop, till);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^damaged: .*\/till\/__pycache__\/sum\./m);
  });

  it('finds a link group that is spread over two, and bytecode that is in no manifest', async () => {
    const { shop, till, verify } = await stagedPackages();
    const own = pyc(`${site}/shop`, 'cart');
    plant(till, { [`${site}/shop/__pycache__/other.${systemPython.cacheTag}.pyc`]: 'x' });
    copyFileSync(join(shop, own), join(till, own));
    rmSync(join(shop, own));
    const { status, stdout } = await verify(shop, till);
    expect(status).toBe(1);
    expect(stdout).toContain(`split: ${own}: in ${till}, but `);
    expect(stdout).toContain(`orphan: ${site}/shop/__pycache__/other.`);
  });

  it('recognizes the PATHs of a build in place, including relative ones', async () => {
    const { app, srv, verify } = await builtInPlace();
    expect(await verify(app, srv)).toEqual(asBuilt);
    expect(await verify('srv', './app/')).toEqual(asBuilt);
    expect(await verify('/')).toMatchObject({ status: 0 });
    rmSync(pyc(`${app}/shop`, 'cart'));
    expect((await verify('app', 'srv')).stdout).toContain(`missing: ${pyc(`${app}/shop`, 'cart')}: `);
  });

  it('says that one of the PATHs of a build in place is not the whole of it, where they are there', async () => {
    const { app, srv, verify } = await builtInPlace();
    const hint = ', but was built in place, with other PATHs: name all of them, or /\n';
    expect((await verify('srv')).stdout).toContain(`pyclink: srv: it contains no pyc of the manifest${hint}`);
    expect((await verify('--prepend', '/x', srv)).stdout).toContain('it contains no pyc of the manifest\n');
    rmSync(join(app, 'shop/__pycache__'), { recursive: true });
    expect((await verify(app)).stdout).toContain(`pyclink: ${app}: it contains no pyc of the manifest\n`);
  });

  it('reports a directory that contains nothing of the manifest', async () => {
    const { shop, till, top, verify } = await stagedPackages();
    plant(top, { 'empty/readme': '' });
    const { stdout } = await verify(shop, till, join(top, 'empty'));
    expect(stdout).toContain(`pyclink: ${join(top, 'empty')}: it contains no pyc of the manifest\n`);
  });
});

describe('audit of several directories', () => {
  it('finds problems in each, and names the directory', async () => {
    const { shop, till, audit } = await stagedPackages();
    expect(await audit(shop, till)).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing wrong') });
    writeFileSync(join(till, pyc(`${site}/till`, 'sum')), 'x');
    const { status, stdout } = await audit('-v', shop, till);
    expect(status).toBe(1);
    expect(stdout).toMatch(new RegExp(`sum\\.${systemPython.cacheTag}\\.pyc: .*, in ${till}`));
    expect((await audit('-v', till)).stdout).not.toContain(`in ${till}`);
  });

  it('checks the common parts of two directories of a system once', async () => {
    const { shop, audit } = await stagedPackages();
    plant(shop, { [`${site}/till/sum.py`]: 'total = 0\n' });
    chmodSync(join(shop, site), 0o777);
    const parts = ['shop', 'till'].map((name) => join(shop, site, name));
    const { stdout } = await audit('--only', 'writable', '--json', ...parts, join(shop, site, 'shop'));
    const { findings } = JSON.parse(stdout);
    expect(findings).toMatchObject([{ kind: 'writable', path: site }]);
  });

  it('recompiles the sources of each', async () => {
    const { shop, till, audit } = await stagedPackages();
    const { status, stdout } = await audit('--recompile', shop, till);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('6 ') });
    expect(await audit('--recompile', '--chroot', shop, till)).toMatchObject({
      status: 2,
      stderr: 'pyclink: error: --chroot: takes one directory\n',
    });
  });
});
