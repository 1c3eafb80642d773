/** `link --manifest`: what was compiled level by level, or by others, is linked and recorded. */
import { lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../src/manifest/schema.ts';
import { contentsOf, linkGroupsIn, type Planted, plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';

const site = `/usr/lib/python${systemPython.minor}/site-packages`;
const sources: Record<string, Planted> = {
  [`${site}/shop/__init__.py`]: '"""The shop."""\n',
  [`${site}/shop/till.py`]: '"""Sells."""\nnames = {"a", "b"}\nassert names\n',
  [`${site}/shop/plain.py`]: 'x = 1\n',
  '/opt/tool/main.py': 'import shop\n',
  '/opt/tool/broken.py': 'def f(:\n',
};

const read = (path: string) => readFileSync(path, 'utf8');
const manifestOf = (buildroot: string) => join(buildroot, '../m.json');
const parsed = (buildroot: string) => JSON.parse(read(manifestOf(buildroot))) as Manifest;

async function run(buildroot: string, status: number, command: string, ...args: string[]) {
  const call = [command, '--buildroot', buildroot, '-q', '--manifest', manifestOf(buildroot), ...args];
  const ran = await pyclink(call);
  expect(ran, ran.stderr).toMatchObject({ status });
  return ran;
}

const build = (buildroot: string, ...args: string[]) => run(buildroot, 0, 'build', '--errors', 'warn', ...args);
const link = (buildroot: string, ...args: string[]) => run(buildroot, 0, 'link', ...args);

async function verify(buildroot: string) {
  return (await pyclink(['verify', '--manifest', manifestOf(buildroot), buildroot])).stdout;
}

describe('link --manifest --append', () => {
  it.each([
    ['0', '1', '2'],
    ['2', '0', '1'],
  ])('after builds of levels %s, %s and %s gives the tree and the manifest of one build', async (...levels) => {
    const symlinks = { '/opt/tool/alias.py': 'main.py', '/opt/tool/absolute.py': '/opt/tool/main.py' };
    const linked = Object.fromEntries(Object.entries(symlinks).map(([path, symlink]) => [path, { symlink }]));
    const [one, buildroot] = [plantBuildroot({ ...sources, ...linked }), plantBuildroot({ ...sources, ...linked })];
    await build(one, '/');
    for (const level of levels) await build(buildroot, '--append', '-o', level, '/');
    expect(linkGroupsIn(buildroot).every((group) => group.length === 1)).toBe(true);
    expect(parsed(buildroot).linkGroups).toEqual([]);
    expect(await link(buildroot, '--append')).toMatchObject({ stderr: '' });
    expect(linkGroupsIn(buildroot)).toEqual(linkGroupsIn(one));
    expect(contentsOf(buildroot)).toEqual(contentsOf(one));
    expect(read(manifestOf(buildroot))).toBe(read(manifestOf(one)));
    expect(await verify(buildroot)).toContain('all as built');

    const state = () => [contentsOf(buildroot), linkGroupsIn(buildroot), read(manifestOf(buildroot))];
    const before = state();
    await link(buildroot, '--append');
    expect(state()).toEqual(before);
  });

  it('records where the tree will be installed, like the builds before it', async () => {
    const buildroot = plantBuildroot({ '/share/app/m.py': 'x = 1\n' });
    await build(buildroot, '-p', '/usr', '-o', '0', '/usr');
    await build(buildroot, '-p', '/usr', '-o', '1', '--append', '/usr');
    await link(buildroot, '-p', '/usr', '--append');
    expect(parsed(buildroot).linkGroups.map(({ source }) => source)).toEqual(['/usr/share/app/m.py']);
    expect(parsed(buildroot).singlePycs).toEqual([]);
  });

  it('of one directory keeps the records of others', async () => {
    const buildroot = plantBuildroot(sources);
    await build(buildroot, '-o', '0', '/');
    await build(buildroot, '--append', '-o', '1', '/');
    const before = parsed(buildroot);
    await link(buildroot, '--append', '/opt');
    const after = parsed(buildroot);
    expect(after.linkGroups.map(({ source }) => source)).toEqual(['/opt/tool/main.py']);
    const elsewhere = ({ source }: { source: string }) => source.startsWith(site);
    expect(after.singlePycs).toEqual(before.singlePycs.filter(elsewhere));
    expect(after.skipped).toEqual(before.skipped);
    expect(after.interpreters).toEqual(before.interpreters);
  });

  it('drops the reasons why pycs were not linked once they are', async () => {
    const buildroot = plantBuildroot(sources);
    const level = (name: string) => join(buildroot, `/opt/tool/__pycache__/main.${systemPython.cacheTag}${name}.pyc`);
    await build(buildroot, '-o', '0', '/opt');
    await build(buildroot, '--append', '-o', '1', '/opt');
    await execa('chmod', ['600', level('.opt-1')]);
    await link(buildroot, '--append');
    const path = level('').slice(buildroot.length);
    expect(parsed(buildroot).skipped).toContainEqual({ path, reason: 'mode-differs' });
    expect(
      parsed(buildroot)
        .singlePycs.map(({ mode }) => mode)
        .sort(),
    ).toEqual(['0600', '0644']);
    await execa('chmod', ['644', level('.opt-1')]);
    await link(buildroot, '--append');
    expect(parsed(buildroot).skipped.map(({ reason }) => reason)).toEqual(['does-not-compile']);
    expect(parsed(buildroot).linkGroups).toHaveLength(1);
  });

  it('needs --manifest, and refuses one inside the buildroot', async () => {
    const buildroot = plantBuildroot(sources);
    const before = contentsOf(buildroot);
    const call = ['link', '--buildroot', buildroot];
    expect(await pyclink([...call, '--append'])).toMatchObject({
      status: 2,
      stderr: 'pyclink: error: --append: needs --manifest\n    hint: see pyclink link --help\n',
    });
    expect((await pyclink([...call, '--manifest', join(buildroot, 'm.json')])).stderr).toContain(
      'inside the buildroot',
    );
    expect(contentsOf(buildroot)).toEqual(before);
  });
});

describe('link --manifest', () => {
  it('records what compileall compiled, and the interpreter as far as the files tell', async () => {
    const buildroot = plantBuildroot(sources);
    const compileall = ['-m', 'compileall', '-q', '-o', '0', '-o', '1', '--invalidation-mode', 'checked-hash', '-s'];
    const env = { PYTHONHASHSEED: '0' };
    await execa(systemPython.executable, [...compileall, buildroot, '-p', '/', buildroot], { reject: false, env });
    await link(buildroot, '--normalize');
    const { interpreters, invalidationModes, optimizationLevels, linkGroups, singlePycs, totals } = parsed(buildroot);
    const { cacheTag, minor } = systemPython;
    expect(interpreters).toEqual([
      { implementation: 'cpython', version: minor, cacheTag, magicNumber: expect.any(Number) },
    ]);
    expect([invalidationModes, optimizationLevels]).toEqual([['checked-hash'], [0, 1]]);
    const groups = linkGroupsIn(buildroot).map((group) => group.map((path) => `/${path}`).sort());
    expect([...linkGroups, ...singlePycs].map(({ paths }) => paths).sort()).toEqual(groups.sort());
    expect(totals).toMatchObject({ pycs: 8, links: 3 });
    expect(await verify(buildroot)).toContain('all as built');
  });

  it('reports the pycs that it cannot record', async () => {
    const buildroot = plantBuildroot(sources);
    await build(buildroot, '/');
    const cache = join(buildroot, '/opt/tool/__pycache__');
    const damaged = `main.${systemPython.cacheTag}.opt-2.pyc`;
    rmSync(join(cache, damaged));
    writeFileSync(join(cache, damaged), 'no pyc');
    writeFileSync(join(cache, `gone.${systemPython.cacheTag}.pyc`), 'x');
    writeFileSync(join(buildroot, '/opt/tool/main.pyc'), 'x');
    rmSync(join(buildroot, site), { recursive: true });
    const { stderr } = await link(buildroot);
    expect(stderr.split('\n').sort()).toEqual([
      '',
      `    /opt/tool/__pycache__/gone.${systemPython.cacheTag}.pyc`,
      `    /opt/tool/__pycache__/${damaged}`,
      '    /opt/tool/main.pyc',
      'pyclink: warning: 1 pyc not in the manifest: does not start with a magic number',
      'pyclink: warning: 1 pyc not in the manifest: not in a __pycache__ directory',
      'pyclink: warning: 1 pyc not in the manifest: without a source',
    ]);
    expect(parsed(buildroot).totals.pycs).toBe(2);
  });

  it('writes nothing in a dry run', async () => {
    const buildroot = plantBuildroot(sources);
    await build(buildroot, '--no-link', '/');
    const before = read(manifestOf(buildroot));
    const { ino } = lstatSync(manifestOf(buildroot));
    const ran = await pyclink([
      'link',
      '--buildroot',
      buildroot,
      '--dry-run',
      '--json',
      '--manifest',
      manifestOf(buildroot),
    ]);
    expect(JSON.parse(ran.stdout)).not.toHaveProperty('manifest');
    expect(read(manifestOf(buildroot))).toBe(before);
    expect(lstatSync(manifestOf(buildroot)).ino).toBe(ino);
  });
});
