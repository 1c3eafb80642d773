import {
  appendFileSync,
  copyFileSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import {
  contentsOf,
  linkGroupsIn,
  type Planted,
  plant,
  plantBuildroot,
  temporaryDirectory,
} from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';

const directory = '/usr/lib/python3/dist-packages/shop';
const sources: Record<string, Planted> = {
  [`${directory}/__init__.py`]: '',
  [`${directory}/cart.py`]: { content: '"""Docs."""\nitems = []\n', mtime: 1_600_000_000 },
  [`${directory}/till.py`]: 'def pay(sum):\n    assert sum > 0\n',
};

interface Built {
  readonly buildroot: string;
  readonly manifest: string;
  /** The staged path of a pyc. */
  pyc(name: string, level: number): string;
}

async function built(...more: string[]): Promise<Built> {
  const buildroot = plantBuildroot(sources);
  const manifest = join(buildroot, '../manifest.json');
  const ran = await pyclink(['build', '--buildroot', buildroot, '--manifest', manifest, '-q', ...more]);
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  return {
    buildroot,
    manifest,
    pyc: (name, level) => {
      const suffix = level === 0 ? '' : `.opt-${level}`;
      return join(buildroot, directory, '__pycache__', `${name}.${systemPython.cacheTag}${suffix}.pyc`);
    },
  };
}

const verify = ({ manifest, buildroot }: Built) => pyclink(['verify', '--manifest', manifest, buildroot]);
const relink = ({ manifest, buildroot }: Built) =>
  pyclink(['relink', '--manifest', manifest, '--buildroot', buildroot]);
const payload = (tree: Built, staged: string) => staged.slice(tree.buildroot.length);
const verdict = (findings: number) =>
  `pyclink: 9 pycs, 3 link groups: ${findings === 1 ? '1 finding' : `${findings} findings`}\n`;

function breakLink(path: string): void {
  copyFileSync(path, `${path}.copy`);
  renameSync(`${path}.copy`, path);
}

describe('a buildroot that will be installed in /usr', () => {
  const below = Object.fromEntries(Object.entries(sources).map(([path, what]) => [path.slice('/usr'.length), what]));
  const cache = `${directory}/__pycache__`;

  it('has the installed paths in manifest, file list and bytecode', async () => {
    const root = temporaryDirectory();
    plant(join(root, 'usr'), { ...below, 'lib/broken.py': 'def', [`${directory.slice(4)}/odd.py`]: 'def' });
    const [manifest, filelist] = [join(root, 'manifest.json'), join(root, 'list')];
    const flags = ['--buildroot', join(root, 'usr'), '--prepend', '/usr', '--exclude', '/usr/lib/*/*/shop/__init__.py'];
    const ran = await pyclink(['build', ...flags, '--manifest', manifest, '--filelist', filelist]);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain(`${directory}/odd.py: does not compile`);
    const { linkGroups, singlePycs, skipped } = JSON.parse(readFileSync(manifest, 'utf8'));
    const recorded: string[] = [...linkGroups, ...singlePycs].flatMap(({ paths }) => paths);
    const names = ['', '.opt-1', '.opt-2'].map((level) => `.${systemPython.cacheTag}${level}.pyc`);
    expect(recorded.sort()).toEqual(
      ['cart', 'till'].flatMap((name) => names.map((end) => `${cache}/${name}${end}`)).sort(),
    );
    expect(skipped.map(({ path }: { path: string }) => path)).toEqual([
      `${directory}/__init__.py`,
      `${directory}/odd.py`,
    ]);
    expect(readFileSync(filelist, 'utf8')).toContain(`${cache}/cart.${systemPython.cacheTag}`);
    const said = await execa(systemPython.executable, ['-c', printFileName, `${root}${cache}/till${names[0]}`]);
    expect(said.stdout).toBe(`${directory}/till.py`);
    rmSync(join(root, directory, 'odd.py'));
    expect(await pyclink(['verify', '--manifest', manifest, root])).toEqual({
      status: 0,
      stdout: 'pyclink: 6 pycs, 2 link groups: all as built\n',
      stderr: '',
    });
  });

  it('accepts a PATH as installed, and refuses one that is elsewhere', async () => {
    const root = temporaryDirectory();
    plant(root, below);
    const build = (path: string) => pyclink(['build', '-q', '--buildroot', root, '-p', '/usr', path]);
    expect(await build('/lib')).toMatchObject({ status: 2, stderr: expect.stringContaining('/lib: not below /usr') });
    expect(await build(`${directory}/cart.py`)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(linkGroupsIn(root).flat()).toHaveLength(3);
  });
});

const printFileName = "import marshal, sys; print(marshal.loads(open(sys.argv[1], 'rb').read()[16:]).co_filename)";

describe('verify', () => {
  it.each(['timestamp', 'checked-hash', 'unchecked-hash'])('has no findings for a healthy tree (%s)', async (mode) => {
    const tree = await built('--invalidation-mode', mode);
    const healthy = 'pyclink: 9 pycs, 3 link groups: all as built\n';
    expect(await verify(tree)).toEqual({ status: 0, stdout: healthy, stderr: '' });
  });

  it('reports a broken link', async () => {
    const tree = await built();
    breakLink(tree.pyc('cart', 0));
    const [cart, other] = [payload(tree, tree.pyc('cart', 0)), payload(tree, tree.pyc('cart', 1))];
    expect(await verify(tree)).toEqual({
      status: 1,
      stdout: `unlinked: ${cart}: not the same file as ${other}\n${verdict(1)}`,
      stderr: '',
    });
  });

  it('reports a missing pyc', async () => {
    const tree = await built();
    rmSync(tree.pyc('till', 0));
    const till = payload(tree, tree.pyc('till', 0));
    const stdout = `missing: ${till}: in the manifest, but not in the payload\n${verdict(1)}`;
    expect(await verify(tree)).toEqual({ status: 1, stdout, stderr: '' });
  });

  it('reports a pyc with other bytes', async () => {
    const tree = await built();
    appendFileSync(tree.pyc('till', 0), 'x');
    const till = payload(tree, tree.pyc('till', 0));
    const stdout = `damaged: ${till}: SHA-256 mismatch\n${verdict(1)}`;
    expect(await verify(tree)).toEqual({ status: 1, stdout, stderr: '' });
  });

  it('reports a damaged pyc without a header', async () => {
    const tree = await built();
    writeFileSync(tree.pyc('till', 0), 'not bytecode');
    const till = payload(tree, tree.pyc('till', 0));
    const stdout = `damaged: ${till}: it does not start with a magic number\n${verdict(1)}`;
    expect(await verify(tree)).toEqual({ status: 1, stdout, stderr: '' });
  });

  it('reports every pyc of a source whose mtime changed', async () => {
    const tree = await built();
    utimesSync(join(tree.buildroot, directory, 'cart.py'), 1_600_000_001, 1_600_000_001);
    const reason = 'it records mtime 2020-09-13T12:26:40Z, the source has 2020-09-13T12:26:41Z';
    const lines = [1, 2, 0].map((level) => `stale: ${payload(tree, tree.pyc('cart', level))}: ${reason}\n`);
    expect(await verify(tree)).toEqual({ status: 1, stdout: lines.join('') + verdict(3), stderr: '' });
  });

  it.each(['checked-hash', 'unchecked-hash'])('reports every pyc of a source whose text changed (%s)', async (mode) => {
    const tree = await built('--invalidation-mode', mode);
    writeFileSync(join(tree.buildroot, directory, 'cart.py'), '"""Docs."""\nitems = {}\n');
    const lines = [1, 2, 0].map(
      (level) => `stale: ${payload(tree, tree.pyc('cart', level))}: the hash of the source does not match\n`,
    );
    expect(await verify(tree)).toEqual({ status: 1, stdout: lines.join('') + verdict(3), stderr: '' });
  });

  it('reports a missing source whose pycs exist', async () => {
    const tree = await built();
    rmSync(join(tree.buildroot, directory, 'till.py'));
    const line = `missing: ${directory}/till.py: in the manifest, but not in the payload, although its pycs are\n`;
    expect(await verify(tree)).toEqual({ status: 1, stdout: line + verdict(1), stderr: '' });
  });

  it('reports as JSON', async () => {
    const tree = await built();
    breakLink(tree.pyc('cart', 0));
    const { status, stdout } = await pyclink(['verify', '--json', '--manifest', tree.manifest, tree.buildroot]);
    expect(status).toBe(1);
    const path = payload(tree, tree.pyc('cart', 0));
    const detail = `not the same file as ${payload(tree, tree.pyc('cart', 1))}`;
    expect(JSON.parse(stdout)).toEqual({
      pycs: 9,
      linkGroups: 3,
      findings: [{ kind: 'unlinked', path, container: tree.buildroot, detail }],
      unrelated: [],
      leftOut: 0,
      others: 0,
      unreadable: [],
    });
  });
});

describe('relink', () => {
  it('restores links that a copy broke, so that verify finds nothing', async () => {
    const tree = await built();
    const [contents, groups] = [contentsOf(tree.buildroot), linkGroupsIn(tree.buildroot)];
    for (const name of ['__init__', 'cart', 'till']) for (const level of [0, 1, 2]) breakLink(tree.pyc(name, level));
    expect((await verify(tree)).status).toBe(1);

    const stdout = 'pyclink: 3 link groups, 4 links restored, 0 refused\n';
    expect(await relink(tree)).toEqual({ status: 0, stdout, stderr: '' });

    expect(linkGroupsIn(tree.buildroot)).toEqual(groups);
    expect(contentsOf(tree.buildroot)).toEqual(contents);
    expect((await verify(tree)).status).toBe(0);
  });

  it('refuses if the contents differ, and touches neither', async () => {
    const tree = await built();
    breakLink(tree.pyc('cart', 0));
    appendFileSync(tree.pyc('cart', 0), 'x');
    const [contents, inode] = [contentsOf(tree.buildroot), lstatSync(tree.pyc('cart', 0)).ino];
    const [cart, other] = [payload(tree, tree.pyc('cart', 0)), payload(tree, tree.pyc('cart', 1))];
    expect(await relink(tree)).toEqual({
      status: 1,
      stdout: 'pyclink: 3 link groups, 0 links restored, 1 refused\n',
      stderr: `pyclink: error: ${cart}: not relinked: its content differs from that of ${other}\n`,
    });
    expect(contentsOf(tree.buildroot)).toEqual(contents);
    expect(lstatSync(tree.pyc('cart', 0)).ino).toBe(inode);
  });

  it('only reports what it would do in a dry run', async () => {
    const tree = await built();
    breakLink(tree.pyc('cart', 0));
    const groups = linkGroupsIn(tree.buildroot);
    const { stdout } = await pyclink([
      'relink',
      '--dry-run',
      '--manifest',
      tree.manifest,
      '--buildroot',
      tree.buildroot,
    ]);
    expect(stdout).toBe('pyclink: 3 link groups, 1 link to restore, 0 refused\n');
    expect(linkGroupsIn(tree.buildroot)).toEqual(groups);
  });

  it('refuses a manifest that names anything but pycs of one source', async () => {
    const tree = await built();
    const manifest = JSON.parse(readFileSync(tree.manifest, 'utf8'));
    const contents = contentsOf(tree.buildroot);
    for (const path of ['/etc/passwd', `${directory}/cart.py`, '/a/__pycache__/../../../x.cpython-311.pyc']) {
      manifest.linkGroups[0].paths[1] = path;
      writeFileSync(tree.manifest, JSON.stringify(manifest));
      const ran = await relink(tree);
      expect(ran.status).toBe(2);
      expect(ran.stderr).toContain('is not a manifest that this version can read: linkGroups.0.paths');
    }
    expect(contentsOf(tree.buildroot)).toEqual(contents);
  });
});
