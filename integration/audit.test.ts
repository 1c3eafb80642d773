/** Plants one fault at a time in a sound tree, and reads what `pyclink audit` says of it. */
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { auditAdvice, auditKindNames, auditKinds, noticeableKinds } from '../src/audit/kinds.ts';
import { plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { allPythons, systemPython } from '../test/helpers/pythons.ts';
import {
  breakLink,
  built,
  changeSource,
  compileAll,
  faults,
  type PlainKind,
  type Tree,
} from './helpers/faulty-tree.ts';

/** The kinds and paths of the findings. */
async function found(tree: Tree): Promise<string[]> {
  const { stdout } = await tree.audit('--json');
  const { findings } = JSON.parse(stdout) as { findings: { kind: string; path: string }[] };
  return findings.map(({ kind, path }) => `${kind} ${path.slice(tree.directory.length)}`);
}

const tag = systemPython.cacheTag;
const each = (kind: string, module: string) =>
  ['.opt-1', '.opt-2', ''].map((level) => `${kind} /__pycache__/${module}.${tag}${level}.pyc`);

/** The pycs of modules, as findings list them. */
const all = (...modules: string[]) =>
  modules.flatMap((module) => ['.opt-1', '.opt-2', ''].map((level) => `${module}.TAG${level}.pyc`));

/** For each kind of fault: the paths with it, what is said of one of SOURCE, and what else differs from a sound tree. */
const outputs: Readonly<
  Record<PlainKind, readonly [paths: string[], detail: string, levels?: string, modules?: string]>
> = {
  damaged: [['till.TAG.pyc'], 'its code cannot be read: truncated'],
  stale: [all('till'), 'it records 33 bytes, the source has 34', '3, 3, 3', '1 of 3'],
  'never-loaded': [
    all('till'),
    'it records mtime 2020-09-13T12:26:40Z, the source has 1970-01-01T00:00:05Z',
    '3, 3, 3',
    '1 of 3',
  ],
  foreign: [['till.TAG.pyc'], `CPython 3.12 wrote it, but Python ${systemPython.minor} would read it`],
  sourceless: [['../till.pyc'], 'there is no source to compare it with', '2, 2, 2', '0 of 2'],
  orphan: [all('till'), 'there is no SOURCE', '3, 3, 3', '0 of 2'],
  leftover: [['till.TAG-pytest-9.0.3.pyc'], 'written by pytest 9.0.3 while testing'],
  writable: [['till.TAG.pyc'], 'mode 0666'],
  exposed: [all('till'), 'mode 0644, its source has 0600'],
  unreadable: [['till.TAG.pyc'], 'mode 0600, its source has 0644'],
  'leaks-path': [all('__init__', 'cart', 'till'), 'it records TREESOURCE'],
  'no-bytecode': [['../../bare'], '1 module, no pycs', '3, 3, 3', '1 of 4'],
  'missing-level': [['till.TAG.opt-1.pyc'], '3 of 4 modules of the package have level 1', '4, 3, 4', '0 of 4'],
  unlinked: [['__init__.TAG.pyc'], 'identical to CACHE/__init__.TAG.opt-1.pyc'],
  shadowed: [all('till'), 'import loads DIRECTORY/till.abi3.so instead'],
  unreproducible: [all('__init__', 'cart', 'till'), 'not normalized: set order or FLAG_REF bits differ'],
};

/** How the report counts three levels. */
function inWords(levels: string): string {
  const [level0, level1, level2] = levels.split(', ');
  return `${level0} pycs of level 0, ${level1} of level 1, ${level2} of level 2`;
}

describe('audit', () => {
  it.each(Object.keys(faults) as PlainKind[])('says of a tree with %s exactly this', async (kind) => {
    const tree = await faults[kind]();
    const [paths, detail, levels = '3, 3, 3', modules = '0 of 3'] = outputs[kind];
    const cache = `${tree.directory}/__pycache__`;
    const shownPath = (path: string) => join(cache, path).replace(`${cache}/`, 'CACHE/');
    const { status, stdout, stderr } = await tree.audit('-v');
    const shown = stdout
      .replaceAll(tree.buildroot, 'TREE')
      .replaceAll(tag, 'TAG')
      .replaceAll(cache, 'CACHE')
      .replaceAll(`loads ${tree.directory}`, 'loads DIRECTORY')
      .replaceAll(/\d\.\d KiB/g, 'N KiB');
    const source = (pyc: string) => `${tree.directory}/${pyc.split('.')[0]}.py`;
    expect(shown).toBe(
      [
        `${kind}: ${paths.length}: ${auditKinds[kind]}`,
        `  to do: ${auditAdvice[kind]}`,
        ...paths.map((path) => `  ${shownPath(path)}: ${detail.replace('SOURCE', source(path))}`),
        `pyclink: TAG: ${inWords(levels)}`,
        ...(kind === 'sourceless' ? ['pyclink: without a cache tag: 1 pyc of unknown level'] : []),
        `pyclink: N KiB of bytecode${kind === 'unlinked' ? ', N KiB less with links' : ''}`,
        `pyclink: ${modules} modules without bytecode`,
        `pyclink: ${paths.length} finding${paths.length === 1 ? '' : 's'}`,
        '',
      ].join('\n'),
    );
    expect({ status, stderr }).toEqual({ status: noticeableKinds.includes(kind) ? 1 : 0, stderr: '' });
  });

  it.each(allPythons)('has no findings for a correct tree of $name', async (python) => {
    for (const mode of python.minor === '3.6' ? ['timestamp'] : ['timestamp', 'checked-hash', 'unchecked-hash']) {
      const tree = await built(python, '--invalidation-mode', mode);
      const { status, stdout } = await tree.audit();
      expect(stdout).toMatch(
        new RegExp(
          `^pyclink: ${python.cacheTag}: ${inWords('3, 3, 3')}\npyclink: \\d\\.\\d KiB of bytecode\n` +
            'pyclink: 0 of 3 modules without bytecode\npyclink: nothing wrong\n$',
        ),
      );
      expect(status).toBe(0);
    }
  });

  it.each<[keyof typeof auditKinds, string, (tree: Tree) => void, string[]]>([
    [
      'damaged',
      'a pyc that is cut',
      (tree) => truncateSync(tree.pyc('till'), 40),
      [`damaged /__pycache__/till.${tag}.pyc`],
    ],
    [
      'damaged',
      'no pyc at all',
      (tree) => writeFileSync(tree.pyc('till'), 'x'),
      [`damaged /__pycache__/till.${tag}.pyc`],
    ],
    ['stale', 'a source of another size', (tree) => changeSource(tree), each('stale', 'till')],
    [
      'never-loaded',
      'a source that was clamped',
      (tree) => utimesSync(tree.source('till'), 5, 5),
      each('never-loaded', 'till'),
    ],
    ['stale', 'a source that is newer', (tree) => utimesSync(tree.source('till'), 2e9, 2e9), each('stale', 'till')],
    ['orphan', 'no source', (tree) => rmSync(tree.source('till')), each('orphan', 'till')],
    [
      'orphan',
      'a .pyo',
      (tree) => copyFileSync(tree.pyc('till'), tree.source('till').replace(/y$/, 'yo')),
      ['orphan /till.pyo'],
    ],
    [
      'orphan',
      'a pyc beside its source',
      (tree) => copyFileSync(tree.pyc('till'), tree.source('till').replace(/y$/, 'yc')),
      ['orphan /till.pyc'],
    ],
    [
      'writable',
      'a pyc for all to write',
      (tree) => chmodSync(tree.pyc('till'), 0o666),
      [`writable /__pycache__/till.${tag}.pyc`],
    ],
    [
      'writable',
      'a directory and a source for the group to write',
      (tree) => [join(tree.source('till'), '..'), tree.source('till')].map((path) => chmodSync(path, 0o775)),
      ['writable ', 'writable /till.py'],
    ],
    [
      'orphan',
      'a pyc that was copied out of its __pycache__',
      (tree) => copyFileSync(tree.pyc('till'), join(tree.pyc('till'), `../../other.${tag}.pyc`)),
      [`orphan /other.${tag}.pyc`],
    ],
    [
      'unlinked',
      'a link that a copy broke',
      (tree) => breakLink(tree.pyc('__init__')),
      [`unlinked /__pycache__/__init__.${tag}.pyc`],
    ],
  ])('finds %s: %s', async (kind, _, plant, findings) => {
    const tree = await built();
    plant(tree);
    expect(await found(tree)).toEqual(findings);
    const { status, stdout } = await tree.audit();
    expect(status).toBe(1);
    expect(stdout.split('\n')[0]).toBe(`${kind}: ${findings.length}: ${auditKinds[kind]}`);
    expect((await tree.audit('--ignore', kind)).status).toBe(0);
    expect((await tree.audit('--only', kind)).status).toBe(1);
    expect((await tree.audit('--fail-on', kind === 'stale' ? 'damaged' : 'stale')).status).toBe(0);
  });

  it('finds foreign: pycs that another Python wrote', async () => {
    const tree = await built();
    const other = tree.pyc('till').replace(tag, 'cpython-399');
    copyFileSync(tree.pyc('till'), other);
    const { stdout } = await tree.audit('--only', 'foreign', '-v');
    expect(stdout.split('\n')[2]).toBe(
      `  ${other.slice(tree.buildroot.length)}: CPython ${systemPython.minor} wrote it, but Python 3.99 would read it`,
    );
    renameSync(`${tree.buildroot}/usr/lib/python${systemPython.minor}`, `${tree.buildroot}/usr/lib/python3.99`);
    const moved = await tree.audit('--only', 'foreign', '--ignore', 'leaks-path');
    expect(moved.stdout).toContain(`python3.99 does not read the pycs of ${tag}`);
  });

  it('ignores pycs of Python 2 in its directories, and finds them foreign in those of Python 3', async () => {
    const tree = await built();
    const pyc = Buffer.concat([Buffer.from('03f30d0a00000000', 'hex'), Buffer.from('c')]);
    const old = { '/usr/lib/python2.7/old.py': '', '/usr/lib/python2.7/old.pyc': pyc, '/opt/old/old.pyc': pyc };
    plant(tree.buildroot, old);
    expect(await tree.audit()).toMatchObject({ status: 0, stderr: '' });
    writeFileSync(tree.pyc('till', 1), pyc);
    expect(await found(tree)).toContain(`foreign /__pycache__/till.${tag}.opt-1.pyc`);
    expect((await tree.audit('-v')).stdout).toContain('.opt-1.pyc: it was written by Python 2\n');
  });

  it.each([[[]], [['--recompile']]])('reports that a directory has no pycs %j', async (options) => {
    const { status, stdout } = await pyclink(['audit', ...options, temporaryDirectory()]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'pyclink: no pycs found\n' });
  });

  it('does not expect bytecode of a module that has none: it may not compile', async () => {
    const tree = await built();
    plant(tree.buildroot, { [`${tree.directory}/odd.py`]: 'print "no"\n' });
    const { status, stdout } = await tree.audit();
    expect(status).toBe(0);
    expect(stdout).toContain('1 of 4 modules without bytecode\n');
  });

  it.each(allPythons)('finds leaks-path: a build directory in tracebacks of $name', async (python) => {
    const tree = await built(python, '--strip', '/', '--exclude', 'cart.py', '--exclude', '__init__.py');
    const { stdout } = await tree.audit('-v', '--only', 'leaks-path');
    expect(stdout.match(/^ {2}.*till.*: it records \/.*\/buildroot\/usr\/lib\/python.*\/till\.py$/gm)).toHaveLength(3);
  });

  it('finds unreproducible: pycs that compileall wrote', async () => {
    const tree = await built();
    await compileAll(tree);
    const findings = await found(tree);
    expect(findings.length).toBeGreaterThan(0);
    expect(findings.every((line) => line.startsWith('unreproducible '))).toBe(true);
  });

  it('finds no damage in pycs that importlib loads: with bytes after the end, or an ignored flag', async () => {
    const tree = await built();
    appendFileSync(tree.pyc('till'), 'x');
    const pyc = readFileSync(tree.pyc('cart'));
    pyc.writeUInt32LE(2, 4);
    writeFileSync(tree.pyc('cart'), pyc);
    for (const module of ['till', 'cart']) {
      const { stderr } = await execa(systemPython.executable, ['-v', '-c', `import shop.${module}`], {
        env: { PYTHONPATH: join(tree.buildroot, tree.directory, '..') },
      });
      expect(stderr).toContain(`# code object from '${tree.pyc(module)}'`);
    }
    expect(await tree.audit('--ignore', 'unlinked')).toMatchObject({ status: 0, stderr: '' });
    expect(await found(tree)).toContain(`unreproducible /__pycache__/till.${tag}.pyc`);
    expect(await found(tree)).not.toContainEqual(expect.stringMatching(/^(?:damaged|stale)/));
  });

  it('finds unchecked hashes whose source changed, because old code would run', async () => {
    const tree = await built(systemPython, '--invalidation-mode', 'unchecked-hash');
    writeFileSync(tree.source('till'), readFileSync(tree.source('till'), 'utf8').replace('0', '1'));
    expect(await found(tree)).toEqual(each('stale', 'till'));
  });

  it('reports the savings of links whatever kinds it shows', async () => {
    const tree = await built();
    breakLink(tree.pyc('__init__'));
    expect((await tree.audit('--only', 'damaged')).stdout).toContain(' less with links\n');
  });

  it('audits each image by itself', async () => {
    const [sound, other] = [await built(), await built()];
    const targets = [sound, other].map(({ buildroot }) => join(buildroot, '../image'));
    rmSync(other.source('till'));
    for (const [i, { buildroot }] of [sound, other].entries()) {
      await execa('umoci', ['init', '--layout', targets[i] ?? '']);
      await execa('umoci', ['new', '--image', `${targets[i]}:one`]);
      await execa('umoci', ['insert', '--image', `${targets[i]}:one`, buildroot, '/']);
    }
    const { stdout } = await pyclink(['audit', '--json', ...targets]);
    const { findings, summary } = JSON.parse(stdout) as { findings: { kind: string }[]; summary: { modules: number } };
    expect(findings.map(({ kind }) => kind)).toEqual(['orphan', 'orphan', 'orphan']);
    expect(summary.modules).toBe(5);
  });

  it('names the image and the layer of each finding, in every format', async () => {
    const tree = await built();
    rmSync(tree.source('till'));
    const targets = ['a', 'b'].map((name) => join(tree.buildroot, `../${name}`));
    for (const target of targets) {
      await execa('umoci', ['init', '--layout', target]);
      await execa('umoci', ['new', '--image', `${target}:one`]);
      await execa('umoci', ['insert', '--image', `${target}:one`, tree.buildroot, '/']);
    }
    const { stdout } = await pyclink(['audit', '-v', ...targets]);
    for (const target of targets) {
      const lines = stdout.split('\n').filter((line) => line.includes(`, in ${target}, layer 1 of 1 (sha256:`));
      expect(lines).toHaveLength(3);
    }
    const junit = await pyclink(['audit', '--format', 'junit', ...targets]);
    const names = Array.from(junit.stdout.matchAll(/ name="(\/[^"]+)"/g), ([, name]) => name);
    expect([names.length, new Set(names).size]).toEqual([6, 6]);
    const sarif = await pyclink(['audit', '--format', 'sarif', ...targets]);
    const [run] = (JSON.parse(sarif.stdout) as { runs: { results: { partialFingerprints: object }[] }[] }).runs;
    const prints = (run?.results ?? []).map(({ partialFingerprints }) => JSON.stringify(partialFingerprints));
    expect([prints.length, new Set(prints).size]).toEqual([6, 6]);
  });

  it.runIf(process.getuid?.() === 0)('names a directory that it cannot list', async () => {
    const tree = await built();
    chmodSync(join(tree.buildroot, '..'), 0o755);
    const closed = join(tree.buildroot, tree.directory, '__pycache__');
    chmodSync(closed, 0);
    const { status, stdout } = await pyclink(['audit', tree.buildroot], { uid: 65_534 });
    expect(status).toBe(1);
    expect(stdout).toContain(`pyclink: ${closed}: cannot be listed (EACCES)\n`);
    chmodSync(closed, 0o755);
  });

  it.runIf(process.getuid?.() === 0)('names a pyc that it cannot read, and goes on', async () => {
    const tree = await built();
    chmodSync(join(tree.buildroot, '..'), 0o755);
    chmodSync(tree.pyc('cart', 2), 0);
    rmSync(tree.source('till'));
    const { status, stdout } = await pyclink(['audit', '-v', tree.buildroot], { uid: 65_534 });
    expect(status).toBe(1);
    expect(stdout).toContain(`pyclink: ${tree.pyc('cart', 2)}: cannot be read (EACCES)\n`);
    expect(stdout).toContain('orphan: 3: ');
  });

  it('shows files in a part of a tree with their paths in the tree', async () => {
    const tree = await built();
    rmSync(tree.source('till'));
    const whole = await tree.audit('-v');
    for (const part of ['/usr', tree.directory, join(tree.directory, '..')]) {
      const { stdout } = await pyclink(['audit', '-v', join(tree.buildroot, part)]);
      expect(stdout).toBe(whole.stdout);
    }
  });

  it('accepts the recorded paths of a virtual environment that is in its place', async () => {
    const environment = join(temporaryDirectory(), 'venv');
    await execa(systemPython.executable, ['-m', 'venv', environment]);
    const only = ['--only', 'leaks-path', '--only', 'damaged', '--only', 'stale'];
    for (const target of [environment, join(environment, 'lib')]) {
      const { status, stdout } = await pyclink(['audit', ...only, target]);
      expect({ status, end: stdout.split('\n').at(-2) }).toEqual({ status: 0, end: 'pyclink: nothing wrong' });
    }
  });

  it('leaves out findings of the baseline, and reports those that no longer occur', async () => {
    const tree = await built();
    const known = join(tree.buildroot, '../known.json');
    rmSync(tree.source('till'));
    writeFileSync(known, (await tree.audit('--json')).stdout);
    const same = await tree.audit('--baseline', known);
    expect(same.status).toBe(0);
    expect(same.stdout).toContain('pyclink: 3 findings of the baseline not shown\n');
    rmSync(tree.pyc('till', 2));
    truncateSync(tree.pyc('cart', 2), 40);
    const { status, stdout } = await tree.audit('--baseline', known, '-v');
    expect(status).toBe(1);
    expect(stdout).toContain('damaged: 1: ');
    expect(stdout).toContain('pyclink: 1 finding of the baseline no longer found, such as orphan ');
  });

  it('writes SARIF and JUnit to standard output, and unreadable files to the log', async () => {
    const tree = await built();
    rmSync(tree.source('till'));
    const sarif = await tree.audit('--format', 'sarif', '-q');
    const [run] = (JSON.parse(sarif.stdout) as { runs: { results: unknown[] }[] }).runs;
    expect([sarif.status, run?.results.length]).toEqual([1, 3]);
    const junit = await tree.audit('--format', 'junit', '--ignore', 'orphan');
    expect(junit).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`tests="${auditKindNames.length}" failures="0"`),
    });
    const known = join(tree.buildroot, '../known.json');
    writeFileSync(known, (await tree.audit('--json')).stdout);
    expect(await tree.audit('--format', 'junit', '--baseline', known)).toMatchObject({
      status: 0,
      stderr: 'pyclink: warning: 3 findings of the baseline not shown\n',
    });
  });

  it('reads packages and tars', async () => {
    const tree = await built();
    rmSync(tree.source('till'));
    const file = join(tree.buildroot, '../layer.tar');
    await execa('tar', ['-C', tree.buildroot, '-cf', file, '.']);
    const { status, stdout } = await pyclink(['audit', file]);
    expect(status).toBe(1);
    expect(stdout.replace(', in layer.tar\n', '\n')).toBe((await tree.audit()).stdout);
    expect(existsSync(file)).toBe(true);
  });

  it.each([
    [['--only', 'rotten'], "argument 'rotten' is invalid. Allowed choices are differs, other-compiler, damaged, stale"],
    [[], "missing required argument 'TARGET'"],
    [['--json', '--format', 'sarif', '/'], "option '--format <format>' cannot be used with option '--json'"],
    [['--baseline', '/nonexistent/known', '/'], '/nonexistent/known: the baseline cannot be read (ENOENT)'],
  ])('refuses %j', async (args, message) => {
    expect(await pyclink(['audit', ...args])).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
  });
});
