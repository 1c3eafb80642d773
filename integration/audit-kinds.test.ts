/** Kinds of finding that say what Python does with a pyc: asked of Python itself. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { plant } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { built, type Tree } from './helpers/faulty-tree.ts';

const { executable, minor, cacheTag } = systemPython;

interface Found {
  readonly kind: string;
  readonly path: string;
  readonly detail: string;
}

/** What audit finds, by paths below the package. */
async function found({ buildroot, directory }: Tree, ...args: string[]): Promise<string[]> {
  const { stdout } = await pyclink(['audit', '--json', buildroot, ...args]);
  const { findings } = JSON.parse(stdout) as { findings: Found[] };
  return findings.map(({ kind, path, detail }) => `${kind} ${path.replace(`${directory}/`, '')}: ${detail}`);
}

/** What python3 -v says while it imports a module. */
async function imported({ buildroot, directory }: Tree, module: string, uid?: number): Promise<string> {
  const env = { PYTHONPATH: join(buildroot, dirname(directory)) };
  const who = uid === undefined ? {} : { uid, gid: uid };
  const { stderr } = await execa(executable, ['-v', '-B', '-c', `import ${module}`], { env, reject: false, ...who });
  return stderr;
}

function giveMagicNumber(path: string, magicNumber: number): void {
  const pyc = readFileSync(path);
  pyc.writeUInt16LE(magicNumber);
  writeFileSync(path, pyc);
}

describe('foreign', () => {
  it('is a pyc of a pre-release under the tag of its final release', async () => {
    const tree = await built();
    const magicNumber = readFileSync(tree.pyc('till')).readUInt16LE() - 1;
    giveMagicNumber(tree.pyc('till'), magicNumber);
    expect(await imported(tree, 'shop.till')).toContain("bad magic number in 'shop.till'");
    const writer = `a pre-release of CPython ${minor} (${magicNumber})`;
    expect(await found(tree, '--only', 'foreign')).toEqual([
      `foreign __pycache__/till.${cacheTag}.pyc: ${writer} wrote it, but Python ${minor} would read it`,
    ]);
  });

  it.each([
    [3000, 'an unknown Python (magic number 3000)'],
    [4000, 'an unknown Python (magic number 4000)'],
    [336, 'PyPy3'],
  ])('is a pyc of magic number %i under the tag of CPython', async (magicNumber, writer) => {
    const tree = await built();
    giveMagicNumber(tree.pyc('till'), magicNumber);
    expect(await imported(tree, 'shop.till')).toContain("bad magic number in 'shop.till'");
    expect(await found(tree, '--only', 'foreign')).toEqual([
      `foreign __pycache__/till.${cacheTag}.pyc: ${writer} wrote it, but Python ${minor} would read it`,
    ]);
  });

  it('is a pyc of CPython under the tag of PyPy', async () => {
    const tree = await built();
    copyFileSync(tree.pyc('till'), join(tree.source('till'), '../__pycache__/till.pypy39.pyc'));
    expect(await found(tree, '--only', 'foreign')).toEqual([
      `foreign __pycache__/till.pypy39.pyc: CPython ${minor} wrote it, but PyPy 3.9 would read it`,
    ]);
  });

  it('is a pyc without a source that another Python wrote', async () => {
    const tree = await built();
    const alone = tree.source('alone').replace(/y$/, 'yc');
    copyFileSync(tree.pyc('till'), alone);
    expect(await imported(tree, 'shop.alone')).toContain(`# code object from '${alone}'`);
    const kinds = ['--only', 'foreign', '--only', 'sourceless'];
    expect(await found(tree, ...kinds)).toEqual(['sourceless alone.pyc: there is no source to compare it with']);
    giveMagicNumber(alone, 3531);
    expect(await imported(tree, 'shop.alone')).toContain("bad magic number in 'shop.alone'");
    expect(await found(tree, ...kinds)).toEqual([
      `foreign alone.pyc: CPython 3.12 wrote it, but Python ${minor} would read it`,
    ]);
  });

  it('is a pyc of a removed Python, and does not count as bytecode', async () => {
    const tree = await built();
    const shared = '/usr/lib/python3/dist-packages/shop';
    mkdirSync(join(tree.buildroot, dirname(shared)), { recursive: true });
    renameSync(join(tree.buildroot, tree.directory), join(tree.buildroot, shared));
    const gone = ['--only', 'foreign', '--json'];
    expect((await tree.audit(...gone)).status).toBe(0);
    plant(tree.buildroot, { '/usr/lib/python3.12/os.py': '' });
    const { stdout } = await tree.audit(...gone);
    const { findings, summary } = JSON.parse(stdout) as { findings: Found[]; summary: object };
    expect(new Set(findings.map(({ detail }) => detail))).toEqual(
      new Set([`no Python here reads the pycs of ${cacheTag}, only python3.12`]),
    );
    expect(summary).toMatchObject({ modules: 4, modulesWithoutBytecode: 4 });
  });
});

describe('shadowed', () => {
  const finder = [
    'import sys',
    'from importlib.machinery import *',
    'loaders = [(ExtensionFileLoader, EXTENSION_SUFFIXES), (SourceFileLoader, SOURCE_SUFFIXES), (SourcelessFileLoader, BYTECODE_SUFFIXES)]',
    'print(FileFinder(sys.argv[1], *loaders).find_spec("till").origin)',
  ].join('\n');

  it.each([
    ['till.so', true],
    ['till.abi3.so', true],
    [`till.${cacheTag}-x86_64-linux-gnu.so`, true],
    [`till.${cacheTag}t-x86_64-linux-gnu.so`, false],
    ['till.cpython-399-x86_64-linux-gnu.so', false],
    ['till.pypy39-pp73-x86_64-linux-gnu.so', false],
    ['till/__init__.py', true],
    ['till/data.txt', false],
  ])('are the pycs of a source beside %s: %s', async (name, isShadowed) => {
    const tree = await built();
    plant(tree.buildroot, { [`${tree.directory}/${name}`]: '' });
    const directory = join(tree.buildroot, tree.directory);
    const { stdout } = await execa(executable, ['-c', finder, directory]);
    expect(stdout).toBe(join(directory, isShadowed ? name : 'till.py'));
    const taken = `import loads ${tree.directory}/${name} instead`;
    expect(await found(tree, '--only', 'shadowed')).toEqual(
      isShadowed
        ? ['.opt-1', '.opt-2', ''].map((end) => `shadowed __pycache__/till.${cacheTag}${end}.pyc: ${taken}`)
        : [],
    );
    expect((await tree.audit('--only', 'shadowed')).status).toBe(0);
  });
});

it('finds writable files in archives too', async () => {
  const tree = await built();
  chmodSync(join(tree.buildroot, tree.directory), 0o775);
  chmodSync(tree.source('till'), 0o666);
  const tar = join(tree.buildroot, '../shop.tar');
  await execa('tar', ['-C', tree.buildroot, '-cf', tar, '.']);
  expect(await found({ ...tree, buildroot: tar }, '--only', 'writable')).toEqual([
    `writable ${tree.directory}: mode 0775`,
    'writable till.py: mode 0666',
  ]);
});

it('reports files that numba and coverage left', async () => {
  const tree = await built();
  const own = (name: string) => `${tree.directory}/${name}`;
  plant(tree.buildroot, {
    [own('__pycache__/till.pay-1.py311.nbi')]: '',
    [own('.coverage')]: '',
    [own('till.py,cover')]: '',
  });
  expect(await found(tree)).toEqual([
    'leftover .coverage: written by coverage while testing',
    'leftover __pycache__/till.pay-1.py311.nbi: written by numba while running: machine code for one kind of processor',
    'leftover till.py,cover: written by coverage while testing',
  ]);
});

it('counts modules of private directories, but not programs or examples', async () => {
  const tree = await built();
  plant(tree.buildroot, {
    '/usr/share/till/own.py': '',
    '/usr/share/till/run-me.py': '',
    '/usr/share/till/program.py': { content: '', mode: 0o755 },
    '/usr/share/doc/till/example.py': '',
  });
  const { stdout } = await tree.audit();
  expect(stdout).toContain('pyclink: 1 of 4 modules without bytecode\n');
  rmSync(join(tree.buildroot, '/usr/share/till/own.py'));
  expect((await tree.audit()).stdout).toContain('pyclink: 0 of 3 modules without bytecode\n');
});

it('sourceless is a pyc that import finds in a __pycache__ as in a package', async () => {
  const tree = await built();
  copyFileSync(tree.pyc('till'), join(dirname(tree.pyc('till')), 'evil.pyc'));
  expect(await imported(tree, 'shop.__pycache__.evil')).toMatch(/code object from .*__pycache__\/evil\.pyc/);
  const detail = 'there is no source to compare it with';
  expect(await found(tree, '--only', 'sourceless')).toEqual([`sourceless __pycache__/evil.pyc: ${detail}`]);
});

it('a pyc that python3 -OOO loads is one of its source, with the code of level 2', async () => {
  const tree = await built();
  const pyc = tree.pyc('till', 2).replace('opt-2', 'opt-3');
  copyFileSync(tree.pyc('till', 2), pyc);
  const env = { PYTHONPATH: join(tree.buildroot, dirname(tree.directory)), PYTHONOPTIMIZE: '3' };
  const { stderr } = await execa(executable, ['-v', '-B', '-c', 'import shop.till'], { env });
  expect(stderr).toContain(`# code object from '${pyc}'`);
  expect(await found(tree, '--recompile')).toEqual([]);
  copyFileSync(tree.pyc('till'), pyc);
  expect((await found(tree, '--recompile'))[0]).toMatch(/^differs __pycache__\/till\.\S+\.opt-3\.pyc: /);
});

it.runIf(process.getuid?.() === 0)(
  'writable is a pyc of a user who is neither root nor the owner of its source',
  async () => {
    const tree = await built();
    chownSync(tree.source('cart'), 0, 0);
    chownSync(tree.pyc('cart', 2), 65_534, 0);
    chownSync(tree.source('till'), 65_534, 0);
    expect(await found(tree, '--only', 'writable')).toEqual([
      `writable __pycache__/cart.${cacheTag}.opt-2.pyc: owner 65534:0, its source has 0:0`,
    ]);
    chownSync(dirname(tree.pyc('cart')), 65_534, 0);
    expect(await found(tree, '--only', 'writable')).toContain(
      `writable __pycache__/cart.${cacheTag}.pyc: its directory has owner 65534:0, its source has 0:0`,
    );
  },
);

it.runIf(process.getuid?.() === 0).each<[string, number, number, string, number?]>([
  ['by mode', 0o644, 0o600, 'mode 0600, its source has 0644'],
  ['by group', 0o640, 0o640, 'owner 0:0, its source has 65534:65534'],
  ['by owner', 0o600, 0o600, 'owner 0:0, its source has 65534:65534'],
  ['by its directory', 0o644, 0o644, 'mode 0644 in a directory of 0700, its source has 0644', 0o700],
])(
  'unreadable is a pyc that a user of its source cannot read, %s',
  async (_how, ofSource, ofPyc, detail, ofCache = 0o755) => {
    const tree = await built();
    for (let above = tree.buildroot; above !== '/tmp' && above !== '/'; above = dirname(above)) chmodSync(above, 0o755);
    const [source, pyc, user] = [tree.source('till'), tree.pyc('till'), 65_534];
    if (ofSource !== 0o644) chownSync(source, user, user);
    chmodSync(source, ofSource);
    const loaded = `# code object from '${pyc}'`;
    chmodSync(pyc, 0o644);
    expect(await imported(tree, 'shop.till', user)).toContain(loaded);
    chmodSync(pyc, ofPyc);
    chownSync(pyc, 0, 0);
    chmodSync(dirname(pyc), ofCache);
    expect(await imported(tree, 'shop.till', user)).not.toContain(loaded);
    expect(await found(tree, '--only', 'unreadable')).toContain(
      `unreadable __pycache__/till.${cacheTag}.pyc: ${detail}`,
    );
  },
);

it('leaks-path is no path through symlinks that lead to the source', async () => {
  const tree = await built();
  const elsewhere = '/usr/share/shop';
  mkdirSync(join(tree.buildroot, '/usr/share'), { recursive: true });
  renameSync(join(tree.buildroot, tree.directory), join(tree.buildroot, elsewhere));
  expect(await found(tree, '--only', 'leaks-path')).not.toEqual([]);
  symlinkSync(elsewhere, join(tree.buildroot, tree.directory));
  expect(await found(tree, '--only', 'leaks-path')).toEqual([]);
});
