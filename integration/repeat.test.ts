import { chmodSync, chownSync, cpSync, existsSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  contentsOf,
  everythingIn,
  linkGroupsIn,
  type Planted,
  plant,
  plantBuildroot,
} from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { missingRoot } from './helpers/tools.ts';

const epoch = '1700000000';
const sources: Record<string, Planted> = {
  '/usr/lib/python3/dist-packages/a/__init__.py': '"""Docs."""\n',
  '/usr/lib/python3/dist-packages/a/names.py': 'words = {"one", "two", "three"}\nassert words\n',
  '/usr/lib/python3/dist-packages/b.py': 'import a\n',
  '/usr/share/app/main.py': 'print("main")\n',
};
const packages = '/usr/lib/python3/dist-packages';

async function build(buildroot: string, manifest: string, ...args: string[]): Promise<void> {
  const flags = ['build', '--buildroot', buildroot, '--manifest', manifest, '-q'];
  const env = { SOURCE_DATE_EPOCH: epoch };
  expect(await pyclink([...flags, ...args], { env })).toEqual({ status: 0, stdout: '', stderr: '' });
}

/** The inode and the time of last change of every file: a file that was written again has others. */
function changesOf(buildroot: string): readonly [string, bigint, bigint][] {
  return everythingIn(buildroot).map((path) => {
    const { ino, ctimeNs } = lstatSync(join(buildroot, path), { bigint: true });
    return [path, ino, ctimeNs];
  });
}

const read = (path: string) => readFileSync(path, 'utf8');

describe('the same build', () => {
  it.each([[], ['--keep-current'], ['-j', '16']])('reports that nothing changed, %j', async (...flags) => {
    const buildroot = plantBuildroot(sources);
    const run = () => pyclink(['build', '--buildroot', buildroot, ...flags]);
    expect((await run()).stdout).not.toContain('there already');
    expect((await run()).stdout).toContain('pyclink: nothing changed: all pycs were already in place\n');
    rmSync(join(buildroot, packages, 'a/__pycache__'), { recursive: true });
    expect((await run()).stdout).toContain('pyclink: 3 of these pycs were already in place\n');
  });

  it('gives the same tree and manifest in another directory, with other jobs', async () => {
    const [one, other] = [plantBuildroot(sources), plantBuildroot(sources)];
    const [first, second] = [join(one, '../m.json'), join(other, '../m.json')];
    await build(one, first, '-j', '1', '/');
    await build(other, second, '-j', '3', '/');
    expect(contentsOf(other)).toEqual(contentsOf(one));
    expect(linkGroupsIn(other)).toEqual(linkGroupsIn(one));
    expect(read(second)).toBe(read(first));
  });

  it.each([
    ['anew', []],
    ['with --keep-current', ['--keep-current']],
  ])('over its own output, %s, changes nothing', async (_, flags) => {
    const buildroot = plantBuildroot(sources);
    const manifest = join(buildroot, '../m.json');
    await build(buildroot, manifest, '/');
    const state = () => [contentsOf(buildroot), linkGroupsIn(buildroot), read(manifest), changesOf(buildroot)];
    const before = state();
    await build(buildroot, manifest, ...flags, '/');
    expect(state()).toEqual(before);
    expect((await pyclink(['verify', '--manifest', manifest, buildroot])).status).toBe(0);
  });
});

describe('--append', () => {
  it('gives one manifest whatever the order of the runs, the same as one run over everything', async () => {
    const manifests = [];
    for (const order of [[packages, '/usr/share/app'], ['/usr/share/app', packages], ['/']]) {
      const buildroot = plantBuildroot(sources);
      const manifest = join(buildroot, '../m.json');
      for (const path of order) await build(buildroot, manifest, '--append', path);
      manifests.push(read(manifest));
    }
    expect(new Set(manifests).size).toBe(1);
  });

  it('drops missing pycs, and adds those of this run', async () => {
    const buildroot = plantBuildroot(sources);
    const manifest = join(buildroot, '../m.json');
    await build(buildroot, manifest, '/');
    rmSync(join(buildroot, packages, 'a'), { recursive: true });
    plant(buildroot, { '/usr/share/app/main.py': '"""Docs."""\nprint("main")\n' });
    await build(buildroot, manifest, '--append', '/usr/share/app');

    const fresh = plantBuildroot({});
    cpSync(buildroot, fresh, { recursive: true, preserveTimestamps: true });
    await build(fresh, join(fresh, '../m.json'), '/');
    expect(read(manifest)).toBe(read(join(fresh, '../m.json')));
  });

  it('covers all runs in the file list', async () => {
    const buildroot = plantBuildroot(sources);
    const [manifest, filelist] = [join(buildroot, '../m.json'), join(buildroot, '../files')];
    await build(buildroot, manifest, packages);
    await build(buildroot, manifest, '--append', '--filelist', filelist, '-o', '0', '/usr/share/app');
    const lines = read(filelist).trimEnd().split('\n');
    // The one beside the packages is an interpreter's.
    expect(lines.filter((line) => line.startsWith('%dir'))).toEqual([
      `%dir "${packages}/a/__pycache__"`,
      '%dir "/usr/share/app/__pycache__"',
    ]);
    expect(lines.length).toBe(2 + 9 + 1);
  });
});

describe('--keep-current', () => {
  /** What a build gives, whatever was there before. */
  const state = (buildroot: string) => [contentsOf(buildroot), linkGroupsIn(buildroot)];
  const options = (buildroot: string) => ['--keep-current', '--buildroot', buildroot, '/'];

  it.each<[string, readonly string[], readonly string[]]>([
    ['another recorded path', ['-p', '/WRONG', '-s', '/'], []],
    ['links, where there are to be none', [], ['--no-link']],
    ['separate files, where there are to be links', ['--no-link'], []],
    ['the normal form, where it is not wanted', [], ['--no-normalize']],
    ['no normal form, where it is wanted', ['--no-normalize'], []],
  ])('gives the same as a new build over pycs with %s', async (_, before, flags) => {
    const [kept, anew] = [plantBuildroot(sources), plantBuildroot(sources)];
    await pyclink(['build', '-q', ...before, '--buildroot', kept, '/']);
    expect((await pyclink(['build', '-q', ...flags, ...options(kept)])).status).toBe(0);
    await pyclink(['build', '-q', ...flags, '--buildroot', anew, '/']);
    expect(state(kept)).toEqual(state(anew));
  });

  it.each([0o600, 0o666])('corrects the mode of pycs with %o', async (mode) => {
    const buildroot = plantBuildroot(sources);
    await pyclink(['build', '-q', '--buildroot', buildroot, '/']);
    const before = state(buildroot);
    for (const path of everythingIn(buildroot).filter((name) => name.endsWith('.pyc'))) {
      chmodSync(join(buildroot, path), mode);
    }
    await pyclink(['build', '-q', ...options(buildroot)]);
    expect(state(buildroot)).toEqual(before);
  });

  it.skipIf(missingRoot().length > 0)('replaces pycs that another user than the owner of the source owns', async () => {
    const buildroot = plantBuildroot({ '/app/a.py': 'a = 1\n', '/app/b.py': 'b = 1\n' });
    await pyclink(['build', '-q', '--buildroot', buildroot, '/']);
    const cache = join(buildroot, 'app/__pycache__');
    const own = (user: number) => {
      for (const path of everythingIn(cache)) chownSync(join(cache, path), user, user);
    };
    const kept = async (...more: string[]) =>
      JSON.parse((await pyclink(['build', '--json', ...more, ...options(buildroot)])).stdout).current;
    own(12_345);
    chownSync(join(buildroot, 'app/a.py'), 12_345, 12_345);
    expect(await kept('--dry-run')).toBe(1);
    expect(await kept()).toBe(1);
    const owners = everythingIn(cache).map((name) => [name[0], lstatSync(join(cache, name)).uid]);
    expect(new Set(owners.map(String))).toEqual(new Set(['a,12345', 'b,0']));
    // An ordinary user keeps pycs of root, who can write them anyway.
    own(0);
    for (const path of ['..', '.', 'app', 'app/__pycache__']) chmodSync(join(buildroot, path), 0o777);
    const before = changesOf(buildroot);
    const ran = await pyclink(['build', '--json', ...options(buildroot)], { uid: 65_534 });
    expect(JSON.parse(ran.stdout)).toMatchObject({ current: 2 });
    expect(changesOf(buildroot)).toEqual(before);
  });

  it('reports in a dry run what it would do, and does nothing', async () => {
    const buildroot = plantBuildroot({ '/app/a.py': 'a = 1\n', '/app/b.py': 'b = 1\n' });
    const manifest = join(buildroot, '../m.json');
    await pyclink(['build', '-q', '--buildroot', buildroot, '/']);
    plant(buildroot, { '/app/b.py': 'b = 22\n' });
    const dry = await pyclink(['build', '--dry-run', '--manifest', manifest, ...options(buildroot)]);
    expect(dry.stdout.split('\n').slice(0, 3)).toEqual([
      'pyclink: would compile 1 source to 3 pycs',
      'pyclink: would keep the current bytecode of 1 source',
      `pyclink: would write manifest ${manifest}`,
    ]);
    expect(existsSync(manifest)).toBe(false);
    // These mtimes would change before anything is compiled.
    const env = { SOURCE_DATE_EPOCH: '1500000000' };
    const clamped = await pyclink(['build', '--dry-run', ...options(buildroot)], { env });
    expect(clamped.stdout).toContain('would compile 2 sources to 6 pycs\n');
    expect(clamped.stdout).not.toContain('would keep');
  });
});
