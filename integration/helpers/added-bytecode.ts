/** A small package, built, and bytecode that is added to it afterwards. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { type Planted, plant, plantBuildroot } from '../../test/helpers/buildroot.ts';
import { pyclink } from '../../test/helpers/pyclink.ts';
import { systemPython } from '../../test/helpers/pythons.ts';

export const library = `/usr/lib/python${systemPython.minor}`;
export const directory = `${library}/shop`;
export const tag = systemPython.cacheTag;

export interface Built {
  readonly buildroot: string;
  readonly manifest: string;
  at(path: string): string;
  beside(name: string): string;
}

/** A package of two modules, built at levels 0 and 1. */
export async function built(...more: string[]): Promise<Built> {
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

export const verify = ({ manifest, buildroot }: Built, ...args: string[]) =>
  pyclink(['verify', '--manifest', manifest, ...(args.length === 0 ? [buildroot] : args)]);
export const healthy = { status: 0, stdout: 'pyclink: 4 pycs, 2 link groups: all as built\n', stderr: '' };

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

export async function plantEvil(tree: Built, path: string, source: string): Promise<void> {
  await execa(systemPython.executable, ['-c', forge, tree.at(path), tree.at(source)]);
}

/** What a module of the tree says when the system's Python imports it. */
export async function saidBy(tree: Built, module: string, ...flags: string[]): Promise<string> {
  const script = `import sys; sys.path.insert(0, sys.argv[1]); import ${module}; print(${module}.SAID)`;
  const args = [...flags, '-S', '-B', '-c', script, tree.at(library)];
  return (await execa(systemPython.executable, args)).stdout;
}

/** How a tree becomes a payload. */
export const payloads: Readonly<Record<string, (tree: Built) => Promise<string>>> = {
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
  rpm: async ({ buildroot, beside }) => {
    const text = 'Name: shop\nVersion: 1\nRelease: 1\nSummary: Shop\nLicense: MIT\nBuildArch: noarch\n';
    const install = `%description\n%install\ncp -a ${buildroot}/. %{buildroot}\n%files\n/*\n`;
    writeFileSync(beside('shop.spec'), text + install);
    const defines = [`_topdir ${beside('top')}`, `_rpmdir ${beside('rpms')}`, '__os_install_post %{nil}'];
    const args = ['-bb', '--quiet', ...defines.flatMap((one) => ['--define', one]), beside('shop.spec')];
    await execa('rpmbuild', args, { env: { HOME: '/nonexistent' } });
    return beside('rpms/noarch/shop-1-1.noarch.rpm');
  },
  image: async ({ buildroot, beside }) => {
    const run = (...args: string[]) => execa('umoci', args, { cwd: dirname(buildroot) });
    await run('init', '--layout', 'oci');
    await run('new', '--image', 'oci:shop');
    await run('insert', '--image', 'oci:shop', basename(buildroot), '/');
    return `${beside('oci')}:shop`;
  },
};

/** Bytecode that is added to the package, and how Python comes to load it. */
export interface Addition {
  readonly pyc: string;
  /** Its header fits this source, if there is one. */
  readonly source: string;
  readonly module: string;
  readonly flags?: readonly string[];
  /** What is planted with it. */
  readonly plant?: Readonly<Record<string, Planted>>;
  /** What verify names; default: the pyc. */
  readonly named?: string;
}

const besideModule = (name: string) => `${directory}/${name}`;

/** Each of these has Python run other code than that of the build. */
export const additions: Readonly<Record<string, Addition>> = {
  'another level of a module': {
    pyc: besideModule(`__pycache__/cart.${tag}.opt-2.pyc`),
    source: besideModule('cart.py'),
    module: 'shop.cart',
    flags: ['-OO'],
  },
  'a module without a source': { pyc: besideModule('evil.pyc'), source: besideModule('evil.py'), module: 'shop.evil' },
  'a module whose source says something else': {
    pyc: besideModule(`__pycache__/liar.${tag}.pyc`),
    source: besideModule('liar.py'),
    module: 'shop.liar',
    plant: { [besideModule('liar.py')]: 'SAID = "good"\n' },
  },
  'a package without a source': {
    pyc: besideModule('sub/__init__.pyc'),
    source: besideModule('sub/__init__.py'),
    module: 'shop.sub',
  },
  'a module in a namespace': {
    pyc: besideModule('space/evil.pyc'),
    source: besideModule('space/evil.py'),
    module: 'shop.space.evil',
  },
  'a symlink to a file of another name': {
    pyc: '/usr/share/evil.bin',
    source: besideModule('link.py'),
    module: 'shop.link',
    plant: { [besideModule('link.pyc')]: { symlink: '../../../share/evil.bin' } },
    named: besideModule('link.pyc'),
  },
  'a symlink to a directory': {
    pyc: '/usr/share/evil/__init__.pyc',
    source: '/usr/share/evil/__init__.py',
    module: 'shop.far',
    plant: { [besideModule('far')]: { symlink: '../../../share/evil' } },
  },
  'a module whose source is a directory': {
    pyc: besideModule('odd.pyc'),
    source: besideModule('elsewhere.py'),
    module: 'shop.odd',
    plant: { [besideModule('odd.py/file')]: '' },
  },
  'a module whose source is a symlink to nothing': {
    pyc: besideModule('lost.pyc'),
    source: besideModule('elsewhere.py'),
    module: 'shop.lost',
    plant: { [besideModule('lost.py')]: { symlink: 'nowhere' } },
  },
  'a module in a __pycache__': {
    pyc: besideModule('__pycache__/evil.pyc'),
    source: besideModule('evil.py'),
    module: 'shop.__pycache__.evil',
  },
  'a package beside that of the build': {
    pyc: `${library}/other/__init__.pyc`,
    source: `${library}/other/__init__.py`,
    module: 'other',
  },
};

/** Adds it to a tree, and asks Python what it runs then. */
export async function add(
  tree: Built,
  { pyc, source, module, flags = [], plant: more = {} }: Addition,
): Promise<string> {
  plant(tree.buildroot, more);
  await plantEvil(tree, pyc, source);
  return saidBy(tree, module, ...flags);
}
