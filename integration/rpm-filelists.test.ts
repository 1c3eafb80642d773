import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { oddNames } from './helpers/odd-names.ts';
import { describeRpm, groupsInRpms, pycs, queryRpms, type RpmBuildOptions, rpmbuilt, site } from './helpers/rpm.ts';

const text = 'def pay(price):\n    return price\n';
const names = ['plain', 'with space', `it's`, 'say"so"', '[ab]', 'star*', 'what?', '100%', '%name', '#hash', 'é'];

/** Sources for a package and a subpackage, their pycs in none of the specs' own lists. */
const sources = names.map((name) => `${site}/shop/${name}.py`);
/** No glob with a blank means the same to every rpm. */
const tillSources = names.filter((name) => !/[*?[%"]/.test(name)).map((name) => `${site}/shop till/${name}.py`);
const plant = Object.fromEntries([...sources, ...tillSources].map((source) => [source, text]));
const groups = (of: readonly string[]) =>
  of.map((source) => pycs(source).sort()).sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));

const worlds = ['debian', 'fedora'] as const;

async function expectPackaged(options: RpmBuildOptions, expected: readonly (readonly string[])[]): Promise<void> {
  const build = await rpmbuilt({ plant, ...options });
  const packages = build.rpms.toSorted((a, b) => a.length - b.length);
  expect(packages.length).toBe(expected.length);
  for (const [i, rpm] of packages.entries()) expect(await groupsInRpms([rpm])).toEqual(groups(expected[i] ?? []));
  const verified = await pyclink(['verify', '--manifest', build.manifest, ...build.rpms]);
  expect(verified).toMatchObject({ status: 0, stderr: '' });
}

describeRpm('file lists', () => {
  it.each(worlds)('name all pycs for a files section, whatever their names (%s)', async (world) => {
    const files = ` -f %{_topdir}/pycs.list\n${site}/shop/*.py\n${site}/shop?till/*.py`;
    const defines = { pyclink_filelist: '%{_topdir}/pycs.list' };
    await expectPackaged({ world, files, defines }, [[...sources, ...tillSources]]);
  });

  it.each(worlds)('name those of one subpackage each, with --filelist-for (%s)', async (world) => {
    const options = [
      `--filelist-for '${site}/shop/**=%{_topdir}/main.list'`,
      `--filelist-for '${site}/shop till/**=%{_topdir}/till.list'`,
    ].join(' ');
    const files = ` -f %{_topdir}/main.list\n${site}/shop/*.py`;
    const subpackages = { till: `-f %{_topdir}/till.list\n${site}/shop?till/*.py` };
    await expectPackaged({ world, preamble: `%global pyclink_options ${options}`, files, subpackages }, [
      sources,
      tillSources,
    ]);
  });

  it('match only their files; names without a pattern are left to the spec and reported', async () => {
    const directory = `${site}/shop`;
    const { plant: modules, listed, unlisted } = oddNames(directory, systemPython.cacheTag);
    const { topdir, log, rpms } = await rpmbuilt({
      plant: modules,
      preamble: '%global __os_install_post %{nil}\n%global _unpackaged_files_terminate_build 0',
      install: `${process.execPath} ${bundle} build -q -o 0 --filelist %{_topdir}/pycs.list --python python3 ${directory}`,
      files: ' -f %{_topdir}/pycs.list',
    });
    const packaged = await queryRpms(rpms, '[%{FILENAMES}\\n]');
    expect(packaged.filter((path) => path.endsWith('.pyc')).sort()).toEqual(listed);
    const list = join(topdir, 'pycs.list');
    const said = (path: string) =>
      `pyclink: warning: ${path}: not in ${list}: no rpm pattern matches only this name; list it in the spec`;
    expect(
      log
        .split('\n')
        .filter((line) => line.startsWith('pyclink: warning'))
        .sort(),
    ).toEqual(unlisted.map(said).sort());
  });

  it('owns the __pycache__ directories', async () => {
    const source = `${site}/shop/a b.py`;
    const build = await rpmbuilt({
      plant: { [source]: text },
      files: ` -f %{_topdir}/pycs.list\n"${source}"`,
      defines: { pyclink_filelist: '%{_topdir}/pycs.list' },
    });
    const lines = [
      `%dir "${site}/shop/__pycache__"`,
      ...pycs(source)
        .sort()
        .map((pyc) => `"${pyc}"`),
      '',
    ];
    expect(readFileSync(join(build.topdir, 'pycs.list'), 'utf8')).toBe(lines.join('\n'));
    expect(await queryRpms(build.rpms, '[%{FILENAMES} %{FILEMODES:perms}\\n]')).toContain(
      `${site}/shop/__pycache__ drwxr-xr-x`,
    );
  });

  it('covers %py_byte_compile and the step that ends %install', async () => {
    const plugin = '/usr/share/shop/plugin.py';
    const build = await rpmbuilt({
      plant: { [`${site}/a.py`]: text, [plugin]: text },
      install: '%py_byte_compile /usr/bin/python3 %{buildroot}/usr/share/shop',
      files: ` -f %{_topdir}/pycs.list\n${site}/a.py\n${plugin}`,
      defines: { pyclink_filelist: '%{_topdir}/pycs.list' },
    });
    expect(await groupsInRpms(build.rpms)).toEqual(groups([`${site}/a.py`, plugin]));
  });
});
