import { cpSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { contentsOf, everythingIn, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeRpm, groupsInRpms, installRpms, pycs, queryRpms, rpmbuilt, site } from './helpers/rpm.ts';
import { stage } from './stage.ts';

const text = 'def pay(price):\n    return price\n';
const cart = `${site}/shop/cart.py`;
const plugin = '/usr/share/shop/plugin.py';
const plant = { [cart]: text, [plugin]: text };

/** Runs a hook of a staged pyclink by itself. */
async function hook(name: string, args: readonly string[], env: Readonly<Record<string, string>>, root?: string) {
  const directory = root ?? temporaryDirectory();
  if (root === undefined) stage(directory);
  const { exitCode, stdout, stderr } = await execa(join(directory, 'usr/lib/rpm/pyclink', name), args, {
    env: { PATH: '/usr/bin:/bin', ...env },
    cwd: directory,
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
  });
  return { status: exitCode, stdout, stderr };
}

const compiled = (buildroot: string) =>
  everythingIn(buildroot)
    .filter((path) => path.endsWith('.pyc'))
    .map((path) => `/${path}`);

describe('brp-pyclink by itself', () => {
  const python = '/usr/bin/python3';
  const inSite = pycs(cart, [0, 1, 2]).sort();
  const everywhere = [...inSite, ...pycs(plugin, [0, 1, 2])].sort();

  it.each([
    [[], inSite],
    [[''], inSite],
    [[python], inSite],
    [[python, '1'], inSite],
    [['', '1', ''], inSite],
    [['', '1', '1'], inSite],
    [[python, '', '0'], inSite],
    [[python, '1', '1'], everywhere],
    [['', '0', '', '-j2'], inSite],
    [['', '0', '', '-j 2 --verbose'], inSite],
    [[python, '0', '1', '-j2'], everywhere],
  ])('takes the positions %j', async (positions, expected) => {
    const buildroot = plantBuildroot(plant);
    const ran = await hook('brp-pyclink', positions, { RPM_BUILD_ROOT: buildroot });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(compiled(buildroot)).toEqual(expected);
  });

  it.each([
    ['a fifth position', ['', '', '', '', '']],
    ['an option that there is not', ['', '', '', '--nonsense']],
    ['an option without its value', ['', '', '', '', '--', '--manifest']],
  ])('refuses %s before anything is done', async (_, positions) => {
    const buildroot = plantBuildroot(plant);
    const before = contentsOf(buildroot);
    const ran = await hook('brp-pyclink', positions, { RPM_BUILD_ROOT: buildroot });
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr).toMatch(/^pyclink: error: /);
    expect(contentsOf(buildroot)).toEqual(before);
  });

  it.each(['1', '0', ''])(
    'ends with 1 for a source that does not compile only if errors terminate ("%s")',
    async (terminate) => {
      const buildroot = plantBuildroot({ ...plant, [`${site}/bad.py`]: 'def (\n' });
      const ran = await hook('brp-pyclink', ['', terminate], { RPM_BUILD_ROOT: buildroot });
      expect(ran.status).toBe(terminate === '1' ? 1 : 0);
      expect(ran.stderr).toContain(
        `pyclink: ${terminate === '1' ? 'error' : 'warning'}: ${site}/bad.py: does not compile\n`,
      );
      expect(compiled(buildroot)).toEqual(inSite);
    },
  );

  it.each(['brp-pyclink', 'brp-pyclink-hardlink'])('%s is silent without a buildroot', async (name) => {
    for (const env of [{}, { RPM_BUILD_ROOT: '' }, { RPM_BUILD_ROOT: '/' }]) {
      expect(await hook(name, [], env)).toEqual({ status: 0, stdout: '', stderr: '' });
    }
  });

  it.each(['brp-pyclink', 'brp-pyclink-hardlink'])('%s is silent where there is no Python', async (name) => {
    const buildroot = plantBuildroot({ '/usr/share/doc/shop/README': 'Read me.\n' });
    expect(await hook(name, [], { RPM_BUILD_ROOT: buildroot })).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it.each(['brp-pyclink', 'brp-pyclink-hardlink'])('%s says so if the rest of pyclink is not there', async (name) => {
    const root = temporaryDirectory();
    stage(root);
    rmSync(join(root, 'usr/bin/pyclink'));
    const ran = await hook(name, [], { RPM_BUILD_ROOT: '/nonexistent' }, root);
    const path = `${root}/usr/lib/rpm/pyclink/../../../bin/pyclink`;
    expect(ran).toEqual({ status: 2, stdout: '', stderr: `${name}: error: ${path}: not there\n` });
  });

  it('works through a symlink, from a directory with a space in its name', async () => {
    const root = join(temporaryDirectory(), 'with space');
    stage(root);
    symlinkSync('brp-pyclink', join(root, 'usr/lib/rpm/pyclink/link'));
    const buildroot = plantBuildroot(plant);
    expect(await hook('link', [], { RPM_BUILD_ROOT: buildroot }, root)).toMatchObject({ status: 0, stderr: '' });
    expect(compiled(buildroot)).toEqual(inSite);
  });
});

describeRpm('the build log', () => {
  it('has these lines of pyclink in it, and no others', async () => {
    const bad = `${site}/shop/tests/bad.py`;
    const build = await rpmbuilt({
      plant: { ...plant, [bad]: 'def (\n' },
      install: '%py_byte_compile /usr/bin/python3 %{buildroot}/usr/share/shop',
    });
    const [, steps = ''] = /^Executing\(%install\).*\n([\s\S]*?)^Processing files/m.exec(build.log) ?? [];
    expect(steps.replaceAll(build.buildroot, 'BUILDROOT').replace(/[\d.]+(?= KiB)/g, 'N')).toBe(
      [
        'Bytecompiling .py files below BUILDROOT/usr/share/shop using /usr/bin/python3',
        'pyclink: 1 source, 2 pycs, 1 link, N KiB saved (50 %)',
        `Bytecompiling .py files below BUILDROOT/usr/lib/python${systemPython.minor} using python${systemPython.minor}`,
        `pyclink: warning: ${bad}: does not compile`,
        `    File "${bad}", line 1`,
        '        def (',
        '            ^',
        '    SyntaxError: invalid syntax',
        'pyclink: 2 sources, 2 pycs, 1 link, N KiB saved (50 %)',
        '',
      ].join('\n'),
    );
  });

  it('has none of a package without Python', async () => {
    const build = await rpmbuilt({ plant: { '/usr/share/doc/shop/README': 'Read me.\n' } });
    const [, steps] = /^Executing\(%install\).*\n([\s\S]*?)^Processing files/m.exec(build.log) ?? [];
    expect(steps).toBe('');
  });
});

describeRpm("pyclink's own package", () => {
  it('builds from a staged tree, installs, and builds a package from there', async () => {
    const directory = temporaryDirectory();
    const staged = join(directory, 'staged');
    stage(staged);
    const spec = join(directory, 'pyclink.spec');
    cpSync(join(import.meta.dirname, '../rpm-macros/pyclink.spec'), spec);
    const topdir = join(directory, 'top');
    const defines = [
      '--define',
      `_topdir ${topdir}`,
      '--define',
      `_tmppath ${directory}`,
      '--define',
      `staged ${staged}`,
    ];
    await execa('rpmbuild', ['-bb', ...defines, spec], { env: { HOME: directory } });
    const rpms = everythingIn(join(topdir, 'RPMS')).filter((path) => path.endsWith('.rpm'));
    expect(rpms).toEqual([expect.stringMatching(/^noarch\/pyclink-[\d.]+-1\.noarch\.rpm$/)]);

    const paths = rpms.map((rpm) => join(topdir, 'RPMS', rpm));
    const required = await queryRpms(paths, '[%{REQUIRENAME}\\n]');
    expect(required.filter((name) => !name.startsWith('rpmlib('))).toEqual(['/bin/sh', '/usr/bin/env', 'nodejs']);

    const root = await installRpms(paths);
    expect(contentsOf(join(staged, 'usr'))).toMatchObject(contentsOf(join(root, 'usr')));

    const buildroot = plantBuildroot(plant);
    expect(await hook('brp-pyclink', [], { RPM_BUILD_ROOT: buildroot }, root)).toMatchObject({ status: 0, stderr: '' });
    expect(compiled(buildroot)).toEqual(pycs(cart, [0, 1, 2]).sort());

    const build = await rpmbuilt({ world: 'debian, installed', plant, prefix: join(root, 'usr') });
    expect(await groupsInRpms(build.rpms)).toEqual([pycs(cart).sort()]);
  });
});
