import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import {
  contentsOf,
  everythingIn,
  type Planted,
  plantBuildroot,
  temporaryDirectory,
} from '../test/helpers/buildroot.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeRpm, pycs, type RpmBuild, rpmbuilt, site } from './helpers/rpm.ts';
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
  ])('accepts the arguments %j', async (positions, expected) => {
    const buildroot = plantBuildroot(plant);
    const ran = await hook('brp-pyclink', positions, { RPM_BUILD_ROOT: buildroot });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(compiled(buildroot)).toEqual(expected);
  });

  it.each([
    ['a fifth position', ['', '', '', '', '']],
    ['an option that there is not', ['', '', '', '--nonsense']],
    ['an option without its value', ['--manifest', '--', 'brp-python-bytecompile', '']],
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

  it.each(['brp-pyclink', 'brp-pyclink-hardlink'])('%s is silent without Python', async (name) => {
    const buildroot = plantBuildroot({ '/usr/share/doc/shop/README': 'Read me.\n' });
    expect(await hook(name, [], { RPM_BUILD_ROOT: buildroot })).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it.each(['brp-pyclink', 'brp-pyclink-hardlink'])('%s reports it if the rest of pyclink is missing', async (name) => {
    const root = temporaryDirectory();
    stage(root);
    rmSync(join(root, 'usr/bin/pyclink'));
    const ran = await hook(name, [], { RPM_BUILD_ROOT: '/nonexistent' }, root);
    const hint = '    hint: install pyclink, or set %pyclink_prefix to the directory that contains bin/pyclink\n';
    const stderr = `${name}: error: ${root}/usr/bin/pyclink: not found\n${hint}`;
    expect(ran).toEqual({ status: 2, stdout: '', stderr });
  });

  it('reports it if the bundle is missing', async () => {
    const root = temporaryDirectory();
    stage(root);
    rmSync(join(root, 'usr/lib/pyclink/pyclink.cjs'));
    const ran = await hook('brp-pyclink', [], { RPM_BUILD_ROOT: '/nonexistent' }, root);
    const hint = '    hint: install pyclink, or in its checkout run: npm ci && npm run build\n';
    const stderr = `pyclink: error: ${root}/usr/lib/pyclink/pyclink.cjs: not found\n${hint}`;
    expect(ran).toEqual({ status: 2, stdout: '', stderr });
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

/** What pyclink and the steps around it wrote in %install. */
function installLog({ log, buildroot }: RpmBuild): string {
  const [, steps = ''] = /^Executing\(%install\).*\n([\s\S]*?)^Processing files/m.exec(log) ?? [];
  return steps.replaceAll(buildroot, 'BUILDROOT').replace(/[\d.]+(?= KiB)/g, 'N');
}

const announcement = `Bytecompiling .py files below BUILDROOT/usr/lib/python${systemPython.minor} using python${systemPython.minor}`;

const added = 'pyclink: added to the steps at the end of %install; set %pyclink_adds to 0 to add no files';

describeRpm('the build log', () => {
  it('contains exactly these lines of pyclink', async () => {
    const bad = `${site}/shop/tests/bad.py`;
    const build = await rpmbuilt({
      plant: { ...plant, [bad]: 'def (\n' },
      install: '%py_byte_compile /usr/bin/python3 %{buildroot}/usr/share/shop',
    });
    expect(installLog(build)).toBe(
      [
        'Bytecompiling .py files below BUILDROOT/usr/share/shop using /usr/bin/python3',
        'pyclink: 1 source, 2 pycs, 1 link, N KiB saved (50 %)',
        added,
        announcement,
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

  it('contains one line for a package without Python', async () => {
    const build = await rpmbuilt({ plant: { '/usr/share/doc/shop/README': 'Read me.\n' } });
    expect(build.log).toContain('Executing(%install)');
    expect(installLog(build)).toBe(`${added}\n`);
  });

  const latin = `${site}/latin.py`;
  const troubles: Record<string, Planted> = {
    ...plant,
    [latin]: Buffer.from('name = "M\xfcller"\n', 'latin1'),
    [`${site}/linked/till.py`]: text,
    [`${site}/linked/__pycache__`]: { symlink: '../shop' },
    [`${site}/warned.py`]: 'def free(price):\n    return price is 0\n',
    '/usr/lib64/python3.99/a.py': text,
    '/usr/lib64/python3.99/b.py': text,
    '/usr/share/old/a.pyc': 'the same',
    '/usr/share/old/a.pyo': { content: 'the same', mode: 0o600 },
  };
  const warnings = [
    // Python 3.12 and later say which kind of literal.
    expect.stringMatching(
      `^pyclink: warning: ${site}/warned.py:2: SyntaxWarning: "is" with .* literal. Did you mean "=="`,
    ),
    `pyclink: warning: ${latin}: does not compile`,
    `    File "${latin}", line 1`,
    '        name = "M\ufffdller"',
    expect.stringMatching(/^ +\^+$/),
    expect.stringMatching(/^ {4}SyntaxError: .*'utf-8' codec can't decode byte 0xfc/),
    `pyclink: warning: ${site}/linked/till.py: not compiled: its __pycache__ is a symlink`,
    'pyclink: warning: /usr/lib64/python3.99: its interpreter is missing',
    '    no working python3.99',
    '    2 sources not compiled',
  ];
  const notLinked = 'pyclink: warning: /usr/share/old/a.pyo: not linked: the identical pycs differ in mode';

  const leftOut = `pyclink: ${cart}: excluded on request`;

  it.each<[string, unknown[]]>([
    ['-q', [...warnings, notLinked]],
    [
      `-v --exclude ${cart}`,
      [
        announcement,
        ...warnings.toSpliced(-3, 0, leftOut),
        'pyclink: 4 sources, 2 pycs, 1 link, N KiB saved (50 %)',
        notLinked,
      ],
    ],
  ])('reports each problem once, with pyclink_options %s', async (options, lines) => {
    const preamble = `%global pyclink_options ${options}`;
    const build = await rpmbuilt({ plant: troubles, preamble });
    expect(installLog(build).trimEnd().split('\n')).toEqual([added, ...lines]);
  });
});
