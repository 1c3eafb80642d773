/** Everything outside the PATHs of a command stays as it is. */
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { contentsOf, plant, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { leftoverOf } from '../test/helpers/leftovers.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { fingerprintOf } from './helpers/canary.ts';
import { describeWhere, lackingAbilities } from './helpers/tools.ts';

const epoch = 1_500_000_000;
const env = { SOURCE_DATE_EPOCH: `${epoch}` };
const text = (name: string) => ({ content: `${name} = 1\n`, mtime: 1_600_000_000 });
const pycsOf = (source: string) =>
  ['', '.opt-1', '.opt-2'].map((level) =>
    source.replace(/([^/]*)\.py$/, `__pycache__/$1.${systemPython.cacheTag}${level}.pyc`),
  );

/**
 * The environments `app` and `other`, whose modules are hard links and symlinks to a store. The second has pycs, and
 * there is what a killed run left.
 */
async function shared() {
  const top = join(temporaryDirectory(), 'tree');
  plant(top, {
    'store/linked.py': text('linked'),
    'store/symlinked.py': text('symlinked'),
    'store/twice.py': text('twice'),
    'app/plain.py': text('plain'),
    'app/twin.py': { hardLink: 'app/plain.py' },
    'app/twin.txt': { hardLink: 'app/plain.py' },
    'app/twice.py': { hardLink: 'store/twice.py' },
    'app/again.py': { hardLink: 'store/twice.py' },
    'other/twice.py': { hardLink: 'store/twice.py' },
    'app/linked.py': { hardLink: 'store/linked.py' },
    'other/linked.py': { hardLink: 'store/linked.py' },
    'app/symlinked.py': { symlink: '../store/symlinked.py' },
    'other/symlinked.py': { symlink: '../store/symlinked.py' },
  });
  await pyclink(['build', '-q', '--buildroot', top, '/other']);
  for (const place of ['.', 'other', 'other/__pycache__', 'store']) {
    writeFileSync(join(top, place, leftoverOf()), 'left');
  }
  const at = (path: string) => join(top, path);
  const outside = () => ['other', 'store'].map((place) => fingerprintOf(at(place)));
  return {
    top,
    at,
    outside,
    /** All but what shows that a file has lost a name in `app`. */
    lasting: () => outside().map((files) => files.map(({ nlink: _nlink, ctimeNs: _ctimeNs, ...rest }) => rest)),
    mtimeOf: (path: string) => lstatSync(at(path)).mtimeMs / 1000,
    recorded: (source: string) => pycsOf(source).map((path) => readFileSync(at(path)).readUInt32LE(8)),
  };
}

type Tree = Awaited<ReturnType<typeof shared>>;

const own = ['app/linked.py', 'app/twice.py', 'app/again.py', 'app/plain.py', 'app/twin.py'];

function expectSeparate({ at, mtimeOf, recorded }: Tree): void {
  expect(own.map(mtimeOf)).toEqual(own.map(() => epoch));
  expect(own.flatMap(recorded)).toEqual(own.flatMap(() => [epoch, epoch, epoch]));
  const nlinkOf = (path: string) => lstatSync(at(path)).nlink;
  expect(['app/linked.py', 'app/plain.py', 'store/linked.py', 'store/twice.py'].map(nlinkOf)).toEqual([1, 3, 2, 2]);
  // Names inside stay one file.
  expect(lstatSync(at('app/twice.py')).ino).toBe(lstatSync(at('app/again.py')).ino);
}

describe('build', () => {
  it.each<[string, (tree: Tree) => readonly string[], string]>([
    ['PATH', ({ top }) => ['--buildroot', top, '/app'], '/app'],
    ['PATH, in threads', ({ top }) => ['--buildroot', top, '/app', '-j', '8'], '/app'],
    ['PATH --mtime', ({ top }) => ['--buildroot', top, '/app', '--mtime', `${epoch}`], '/app'],
    ['--in-place PATH', ({ at }) => ['--in-place', at('app')], 'TOP/app'],
    ['of the buildroot', ({ at }) => ['--buildroot', at('app'), '/'], ''],
  ])('%s: a file with names outside becomes a separate one', async (_, args, place) => {
    const tree = await shared();
    const before = tree.lasting();
    const ran = await pyclink(['build', '-q', ...args(tree)], { env });
    const expected =
      place === ''
        ? '/symlinked.py: a symlink that points outside the buildroot'
        : `${place.replace('TOP', tree.top)}: 1 source is a symlink to a file outside the PATHs: its mtime does not change`;
    expect(ran).toEqual({ status: 0, stdout: '', stderr: `pyclink: warning: ${expected}\n` });
    // So the pycs of the other environment are as valid as before.
    expect(tree.lasting()).toEqual(before);
    expectSeparate(tree);
    if (place !== '') expect(tree.recorded('app/symlinked.py')).toEqual([1_600_000_000, 1_600_000_000, 1_600_000_000]);
  });

  it('keeps all names as one file if the whole package is clamped', async () => {
    const { top, at, mtimeOf } = await shared();
    const macro = ['brp', 'py-byte-compile', systemPython.executable, at('app')];
    const ran = await pyclink(macro, { env: { ...env, RPM_BUILD_ROOT: top } });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(lstatSync(at('app/linked.py'))).toMatchObject({ nlink: 3, mtimeMs: epoch * 1000 });
    expect(mtimeOf('store/symlinked.py')).toBe(epoch);
  });

  it('reports once per directory how many mtimes do not change', async () => {
    const { top } = await shared();
    plant(top, {
      'app/two/a.py': { symlink: '../../store/linked.py' },
      'app/two/b.py': { symlink: '/store/linked.py' },
    });
    const { stderr } = await pyclink(['build', '-q', '--buildroot', top, '/app'], { env });
    expect(stderr).toContain(
      'pyclink: warning: /app/two: 2 sources are symlinks to files outside the PATHs: their mtimes do not change\n',
    );
  });
});

describe('restamp', () => {
  it('PATH: a file with names outside becomes a separate one; the target of a symlink does not change', async () => {
    const tree = await shared();
    await pyclink(['build', '-q', '--buildroot', tree.top, '/app']);
    const before = tree.lasting();
    const ran = await pyclink(['restamp', '--buildroot', tree.top, '--mtime', `${epoch}`, '/app']);
    expect(ran).toMatchObject({ status: 1, stdout: 'pyclink: 6 sources, 15 pycs restamped, 3 left unchanged\n' });
    for (const pyc of pycsOf('app/symlinked.py')) {
      expect(ran.stderr).toContain(`/${pyc}: left unchanged, with its source: its source is outside the PATHs\n`);
    }
    expect(tree.lasting()).toEqual(before);
    expectSeparate(tree);
    expect(tree.recorded('app/symlinked.py')).toEqual([1_600_000_000, 1_600_000_000, 1_600_000_000]);
  });

  it('skips a source whose mtime cannot be set, with its pycs, and compiles the others', async () => {
    const { top, at, recorded } = await shared();
    await pyclink(['build', '-q', '--buildroot', top, '/app']);
    makeImmutable(at('app/plain.py'));
    const ran = await pyclink(['restamp', '--buildroot', top, '--mtime', '5', '/app']);
    expect(ran).toMatchObject({ status: 1, stdout: 'pyclink: 6 sources, 9 pycs restamped, 9 left unchanged\n' });
    expect(ran.stderr).toContain('(EPERM)\n');
    expect([...recorded('app/plain.py'), ...recorded('app/linked.py')]).toEqual([
      ...[1_600_000_000, 1_600_000_000, 1_600_000_000],
      ...[5, 5, 5],
    ]);
  });
});

it.each<[string, (tree: Tree) => readonly string[]]>([
  ['build', ({ top }) => ['build', '--buildroot', top, '/app']],
  ['build --keep-current', ({ top }) => ['build', '--buildroot', top, '/app', '--keep-current']],
  ['build --cache-dir', ({ top, at }) => ['build', '--buildroot', top, '/app', '--cache-dir', at('../cache')]],
  ['build --dry-run', ({ top }) => ['build', '--buildroot', top, '/app', '--dry-run']],
  ['build FILE', ({ top }) => ['build', '--buildroot', top, '/app/linked.py']],
  ['build --in-place', ({ at }) => ['build', '--in-place', at('app')]],
  ['link', ({ top }) => ['link', '--buildroot', top, '/app']],
  ['link --normalize', ({ top }) => ['link', '--buildroot', top, '/app', '--normalize']],
  ['restamp', ({ top }) => ['restamp', '--buildroot', top, '/app', '--mtime', '7']],
  ['relink', ({ top, at }) => ['relink', '--buildroot', top, '--manifest', at('../manifest.json')]],
  ['verify', ({ top, at }) => ['verify', '--manifest', at('../manifest.json'), top]],
  ['audit', ({ at }) => ['audit', at('app')]],
  ['inspect', ({ at }) => ['inspect', at(pycsOf('app/plain.py')[0] as string)]],
])('%s changes neither links nor times of any kind outside', async (_, args) => {
  const tree = await shared();
  const { top, at } = tree;
  mkdirSync(at('../cache'), { mode: 0o700 });
  const build = ['build', '-q', '--buildroot', top, '/app', '--manifest', at('../manifest.json')];
  await pyclink([...build, '--no-normalize', '--no-link'], { env });
  const before = tree.outside();
  const ran = await pyclink(args(tree), { env });
  expect(ran.status).toBeLessThan(2);
  expect(tree.outside()).toEqual(before);
});

describe('a source whose mtime cannot be set', () => {
  const message =
    'not compiled: its mtime cannot be set, so its pycs would not stay valid\n    EPERM: operation not permitted\n';

  it.each([[[]], [['--errors', 'fail', '-j', '8']], [['--keep-current']]])(
    'costs that source only: %j',
    async (flags) => {
      const buildroot = plantBuildroot({
        'app/fixed.py': text('fixed'),
        'app/a.py': text('a'),
        'app/z.py': text('z'),
        'app/old.py': { content: 'old = 1\n', mtime: epoch - 1 },
      });
      for (const name of ['fixed', 'old']) makeImmutable(join(buildroot, `app/${name}.py`));
      const manifest = join(buildroot, '../manifest.json');
      const args = ['build', '-q', '--buildroot', buildroot, '/app', '--manifest', manifest, ...flags];
      const ran = await pyclink(args, { env });
      expect(ran).toMatchObject({ status: 1, stderr: `pyclink: error: /app/fixed.py: ${message}` });
      const made = Object.keys(contentsOf(buildroot)).filter((path) => path.endsWith('.pyc'));
      expect(made).toEqual(['a', 'old', 'z'].flatMap((name) => pycsOf(`app/${name}.py`)).sort());
      const { skipped } = JSON.parse(readFileSync(manifest, 'utf8'));
      expect(skipped).toEqual([
        { path: '/app/fixed.py', reason: 'mtime-not-set', message: 'EPERM: operation not permitted' },
      ]);
    },
  );

  it('is one of another user', async () => {
    const top = temporaryDirectory();
    plant(top, { 'app/theirs.py': text('theirs'), 'app/mine.py': text('mine') });
    execFileSync('chown', ['-R', '65534:65534', top]);
    execFileSync('chown', ['0:0', join(top, 'app/theirs.py')]);
    const ran = await pyclink(['build', '-q', '--buildroot', top, '/app'], { env, uid: 65534 });
    expect(ran).toMatchObject({ status: 1, stderr: `pyclink: error: /app/theirs.py: ${message}` });
    const made = Object.keys(contentsOf(top)).filter((path) => path.endsWith('.pyc'));
    expect(made).toEqual(pycsOf('app/mine.py').sort());
  });
});

describeWhere(lackingAbilities('mounts'), 'another file system', () => {
  it('below the PATH of --in-place keeps its mtimes', async () => {
    const { top, at, mtimeOf } = await shared();
    mkdirSync(at('app/mounted'));
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', at('app/mounted')]);
    onTestFinished(() => void execFileSync('umount', [at('app/mounted')]));
    plant(top, { 'app/mounted/m.py': text('m'), 'app/m.py': { symlink: 'mounted/m.py' } });
    const ran = await pyclink(['build', '-q', '--in-place', at('app')], { env });
    expect(ran.stderr).toContain(': 2 sources are symlinks to files outside the PATHs: their mtimes do not change\n');
    expect(mtimeOf('app/mounted/m.py')).toBe(1_600_000_000);
  });

  it('that is read-only costs only its sources', async () => {
    const { top, at, recorded } = await shared();
    plant(top, { 'app/bound/m.py': text('m') });
    execFileSync('mount', ['--bind', at('app/bound'), at('app/bound')]);
    onTestFinished(() => void execFileSync('umount', [at('app/bound')]));
    execFileSync('mount', ['-o', 'remount,bind,ro', at('app/bound')]);
    const ran = await pyclink(['build', '-q', '--buildroot', top, '/app'], { env });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('pyclink: error: /app/bound/m.py: not compiled: its mtime cannot be set');
    expect(ran.stderr).toContain('    EROFS: read-only file system\n');
    expect(recorded('app/plain.py')).toEqual([epoch, epoch, epoch]);
  });
});

function makeImmutable(path: string): void {
  execFileSync('chattr', ['+i', path]);
  onTestFinished(() => void execFileSync('chattr', ['-i', path]));
}
