/** Calls dh_pyclink by itself on a source package that is installed into debian/, and holds what it changed there. */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { contentsOf, linkGroupsIn, plant } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { debianTools, installedSource, manifestIn } from './helpers/debian.ts';
import { changesSince } from './helpers/healthy.ts';
import { describeWith } from './helpers/tools.ts';

const stateOf = (source: string) => ({ contents: contentsOf(source), groups: linkGroupsIn(source) });
const silent = { status: 0, stdout: '', stderr: '' };

/** The sources of the pycs below a directory. */
const compiledIn = (directory: string) =>
  [
    ...new Set(
      linkGroupsIn(directory).flatMap((group) => group.map((path) => path.replace(/__pycache__\/(\w+)\..*/, '$1'))),
    ),
  ].sort();

describeWith(debianTools, 'dh_pyclink', () => {
  it.each([
    [],
    ['--postinst=bcep', '--lintian-overrides'],
    ['--postinst=strip', '--manifest-dir=out'],
    ['--', '--invalidation-mode=checked-hash'],
    ['--', '--invalidation-mode=unchecked-hash'],
  ])('called a second time changes nothing, with %j %j', async (...flags) => {
    const { source, dhPyclink } = await installedSource();
    expect(await dhPyclink(flags)).toEqual(silent);
    const once = stateOf(source);
    expect(once.groups.length).toBeGreaterThan(0);
    expect(await dhPyclink(flags)).toEqual(silent);
    expect(stateOf(source)).toEqual(once);
  });

  it('called for one directory, then in general, keeps both in the manifest', async () => {
    const { source, dhPyclink } = await installedSource({ 'debian/shop-app/opt/shop/tool.py': 'x = 1\n' });
    await dhPyclink(['/opt/shop']);
    const once = stateOf(source);
    await dhPyclink();
    expect(stateOf(source)).toEqual(once);
    const ran = await pyclink([
      'verify',
      '--manifest',
      manifestIn(source, 'shop-app'),
      join(source, 'debian/shop-app'),
    ]);
    expect(ran.stdout).toMatch(/^pyclink: 9 pycs, /);
  });

  it('compiles the directories of a pattern, such as one for the multiarch triplet', async () => {
    const { source, dhPyclink } = await installedSource({
      'debian/shop-app/usr/lib/x86_64-linux-gnu/till/tool.py': 'x = 1\n',
      'debian/python3-shop/usr/lib/mips-linux-gnu/till/tool.py': 'x = 1\n',
    });
    expect(await dhPyclink(['/usr/lib/*-linux-gnu/till'])).toEqual(silent);
    expect(compiledIn(join(source, 'debian')).filter((path) => path.endsWith('/tool'))).toEqual([
      'python3-shop/usr/lib/mips-linux-gnu/till/tool',
      'shop-app/usr/lib/x86_64-linux-gnu/till/tool',
    ]);
    const said = '/usr/lib/*-hurd/till: is not a directory in any of the packages';
    expect(await dhPyclink(['/usr/lib/*-hurd/till'])).toEqual({
      status: 2,
      stdout: '',
      stderr: `pyclink: error: ${said}`,
    });
  });

  it.each([
    [[], { DH_NO_ACT: '1', DH_VERBOSE: '1' }],
    [['--no-act', '-v'], { DH_INTERNAL_OVERRIDE: 'dh_pyclink' }],
    [[], { DH_OPTIONS: '--no-act -v' }],
  ])('reports with %j and %j what it would do, and does nothing', async (flags, variables) => {
    const { source, dhPyclink } = await installedSource();
    const before = stateOf(source);
    const { stdout, ...ran } = await dhPyclink(flags, variables);
    expect(ran).toEqual({ status: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      `\tpyclink build --buildroot ${source}/debian/python3-shop /usr/lib/python3/dist-packages`,
      `\tpyclink build --buildroot ${source}/debian/shop-app /usr/share/shop-app /usr/lib/elsewhere`,
    ]);
    expect(stateOf(source)).toEqual(before);
  });

  it('clamps the targets of sources in the package, also in a directory that is not compiled', async () => {
    const [data, modules] = ['usr/share/data', 'usr/lib/python3/dist-packages'].map(
      (directory) => `debian/python3-shop/${directory}`,
    );
    const late = { content: 'x = 1\n', mtime: 1_800_000_000 };
    const { source, dhPyclink } = await installedSource({
      [`${data}/text.py`]: late,
      [`${data}/hard.py`]: late,
      [`${modules}/link.py`]: { symlink: '/usr/share/data/text.py' },
      [`${modules}/hard.py`]: { hardLink: `${data}/hard.py` },
    });
    expect(await dhPyclink(['-ppython3-shop'])).toEqual(silent);
    expect(lstatSync(join(source, `${data}/text.py`)).mtimeMs).toBe(1_700_000_000_000);
    expect(lstatSync(join(source, `${data}/hard.py`))).toMatchObject({ mtimeMs: 1_700_000_000_000, nlink: 2 });
    const pyc = (name: string) =>
      readFileSync(join(source, `${modules}/__pycache__/${name}.${systemPython.cacheTag}.pyc`));
    expect(['link', 'hard'].map((name) => pyc(name).readUInt32LE(8))).toEqual([1_700_000_000, 1_700_000_000]);
  });

  it('changes with -n only pycs, the manifest and the dependency', async () => {
    const { source, dhPyclink } = await installedSource();
    const before = contentsOf(source);
    expect(await dhPyclink(['-n', '-pshop-app'])).toEqual(silent);
    const { added, changed, gone } = changesSince(before, source);
    expect(added.filter((path) => !/__pycache__/.test(path))).toEqual([
      'debian/.debhelper/generated/shop-app/pyclink.json',
    ]);
    expect([changed, gone]).toEqual([[], []]);
    await dhPyclink(['-n', '-ppython3-shop']);
    expect(changesSince(before, source).changed).toEqual(['debian/python3-shop.substvars']);
  });

  it.each([
    [
      ['-Xtill', '-Xelsewhere/ex'],
      ['python3-shop/usr/lib/python3/dist-packages/shop/__init__', 'shop-app/usr/share/shop-app/main'],
    ],
    [
      ['-X', '/shop/'],
      ['shop-app/usr/lib/elsewhere/extra', 'shop-app/usr/share/shop-app/main'],
    ],
    [['--exclude', 'usr/'], []],
  ])('excludes with %j names with the text', async (flags, expected) => {
    const { source, dhPyclink } = await installedSource();
    expect(await dhPyclink(flags)).toEqual(silent);
    expect(compiledIn(join(source, 'debian'))).toEqual(expected);
  });

  it('compiles with -P in another directory, for one package only', async () => {
    const { source, dhPyclink } = await installedSource({ 'debian/tmp/opt/shop/tool.py': 'x = 1\n' });
    expect(await dhPyclink(['-pshop-app', '-P', 'debian/tmp', '/opt/shop'])).toEqual(silent);
    expect(compiledIn(join(source, 'debian'))).toEqual(['tmp/opt/shop/tool']);
    const ran = await dhPyclink(['-Pdebian/tmp']);
    expect(ran.status).toBe(25);
    expect(ran.stderr).toContain('-P was specified, but multiple packages would be acted on (python3-shop,shop-app)');
  });

  it('skips with --remaining-packages those that the override has handled', async () => {
    const { source, dhPyclink } = await installedSource();
    const override = { DH_INTERNAL_OVERRIDE: 'dh_pyclink' };
    await dhPyclink(['-pshop-app', '--postinst=strip'], override);
    expect(existsSync(manifestIn(source, 'python3-shop'))).toBe(false);
    const stripped = contentsOf(join(source, 'debian/shop-app'));
    plant(source, { 'debian/shop-app/usr/share/shop-app/late.py': 'x = 1\n' });
    await dhPyclink(['--remaining-packages', '--postinst=keep'], override);
    expect(existsSync(manifestIn(source, 'python3-shop'))).toBe(true);
    expect(changesSince(stripped, join(source, 'debian/shop-app')).added).toEqual(['usr/share/shop-app/late.py']);
  });

  it('uses the time of the changelog if none is set', async () => {
    const { source, dhPyclink } = await installedSource();
    await dhPyclink();
    const times = ['shop/till.py', 'shop/__init__.py'].map(
      (path) => lstatSync(join(source, 'debian/python3-shop/usr/lib/python3/dist-packages', path)).mtimeMs,
    );
    expect(times).toEqual([1_700_000_000_000, 1_700_000_000_000]);
  });

  it('keeps what the packager wrote into bcep', async () => {
    const own = 're|-|/usr/lib/python3/dist-packages/shop/|.*\\.tmpl\\.py';
    const { source, dhPyclink } = await installedSource({ 'debian/python3-shop.bcep': own });
    await dhPyclink(['--postinst=bcep']);
    expect(readFileSync(join(source, 'debian/python3-shop/usr/share/python3/bcep/python3-shop'), 'utf8')).toBe(
      `${own}\ndir|${systemPython.minor}|/usr/lib/python3/dist-packages/shop/\n`,
    );
  });

  it('ends the build for a directory that is in none of the packages, unless it may be in one that is not built', async () => {
    const { source, dhPyclink } = await installedSource();
    const before = stateOf(source);
    const said = '/opt/venvs/shop: is not a directory in any of the packages';
    expect(await dhPyclink(['/opt/venvs/shop'])).toEqual({ status: 2, stdout: '', stderr: `pyclink: error: ${said}` });
    expect(stateOf(source)).toEqual(before);
    const some = { DH_INTERNAL_OPTIONS: '-i' };
    expect(await dhPyclink(['/opt/venvs/shop'], some)).toEqual({ ...silent, stderr: `pyclink: warning: ${said}` });
    expect((await dhPyclink(['-ppython3-shop', '/opt/venvs/shop'], some)).status).toBe(2);
  });

  it('names a given directory without sources', async () => {
    const { dhPyclink } = await installedSource({ 'debian/python3-shop/usr/share/data/table': '' });
    const stderr = 'pyclink: warning: /usr/share/data: nothing to compile in python3-shop: no .py files';
    expect(await dhPyclink(['-ppython3-shop', '/usr/share/data'])).toEqual({ ...silent, stderr });
  });

  it.each([
    ['-pshpo', 'nknown package shpo'],
    ['--frobnicate', 'Unknown option: frobnicate'],
  ])("ends the build for %s, with debhelper's own words", async (flag, words) => {
    const { source, dhPyclink } = await installedSource();
    const before = stateOf(source);
    const { status, stderr } = await dhPyclink([flag]);
    // Later releases of debhelper end in another way.
    expect([25, 255]).toContain(status);
    expect(stderr).toContain(words);
    expect(stateOf(source)).toEqual(before);
  });

  it.each<[string[], Record<string, string>]>([
    [['-a', '-O--buildsystem=pybuild', '-O-Xextra'], {}],
    [['--arch', '-A', '--mainpackage=shop-app', '-Xextra'], {}],
    [['-N', 'python3-shop', '--exclude', 'extra'], {}],
    [[], { DH_OPTIONS: '-pshop-app --exclude=extra' }],
    [[], { DH_INTERNAL_OPTIONS: '-a\x1e-O--buildsystem=pybuild\x1e-Xextra' }],
    [['-p', 'shop-app'], { DH_INTERNAL_OPTIONS: '-v', DH_ALWAYS_EXCLUDE: 'extra:till' }],
  ])('reads %j and %j like every debhelper command', async (flags, variables) => {
    const { source, dhPyclink } = await installedSource();
    expect((await dhPyclink(flags, variables)).status).toBe(0);
    expect(compiledIn(join(source, 'debian'))).toEqual(['shop-app/usr/share/shop-app/main']);
  });

  it('refuses an unknown value of --postinst', async () => {
    const { dhPyclink } = await installedSource();
    const { status, stderr } = await dhPyclink(['--postinst=never']);
    expect(status).toBe(2);
    expect(stderr).toContain("argument 'never' is invalid. Allowed choices are keep, bcep, strip.");
  });

  it('is logged if an override calls it, and only if it succeeds', async () => {
    const log = 'debian/shop-app.debhelper.log';
    const override = { DH_INTERNAL_OVERRIDE: 'dh_python3' };
    const { source, dhPyclink } = await installedSource({ 'debian/shop-app/usr/share/shop-app/bad.py': 'def\n' });
    const logged = () => (existsSync(join(source, log)) ? readFileSync(join(source, log), 'utf8') : '');
    const before = logged();
    await dhPyclink([], override);
    await dhPyclink(['-Xbad'], {});
    await dhPyclink(['-Xbad', '--no-act'], override);
    expect(logged()).toBe(before);
    await dhPyclink(['-Xbad'], override);
    expect(logged()).toBe(`${before}dh_pyclink\n`);
  });

  it.each(['--help', '-h'])('prints its usage with %s', async (flag) => {
    const { dhPyclink } = await installedSource();
    const { status, stdout } = await dhPyclink([flag]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^Usage: dh_pyclink /) });
  });

  it('excludes in a private directory what dh_python3 excludes', async () => {
    const template = 'x = {{ value }}\n';
    const { source, dhPyclink } = await installedSource({
      'debian/shop-app/opt/shop/templates/new.py': template,
      'debian/shop-app/opt/shop/lib/templates/tool.py': 'x = 1\n',
      'debian/shop-app/opt/shop/old.py': template,
    });
    const command = "dh_python3 -pshop-app -X'templates/.*' -X/opt/shop/old /opt/shop";
    await execa('dpkg-architecture', ['--command', command], { cwd: source });
    expect(await dhPyclink(['-pshop-app'])).toEqual(silent);
    expect(compiledIn(join(source, 'debian/shop-app/opt'))).toEqual(['shop/lib/templates/tool']);
  });

  it('warns if a package diverts a module, but not its pycs', async () => {
    const module = '/usr/lib/python3/dist-packages/shop/till';
    const divert = (path: string) =>
      `dpkg-divert --package python3-shop --add --rename --divert ${path}.orig ${path}\n`;
    const { source, dhPyclink } = await installedSource({ 'debian/python3-shop.preinst': divert(`${module}.py`) });
    expect(await dhPyclink()).toEqual({
      ...silent,
      stderr: [
        `pyclink: warning: ${module}.py: python3-shop diverts it, but not its pycs, which the other package may ship too`,
        '    hint: divert each of its pycs as well, or exclude it with -X',
      ].join('\n'),
    });
    const pycs = ['', '.opt-1', '.opt-2'].map(
      (level) => `${module.replace('till', '__pycache__/till')}.${systemPython.cacheTag}${level}.pyc`,
    );
    plant(source, { 'debian/python3-shop.preinst': [`${module}.py`, ...pycs].map(divert).join('') });
    expect(await dhPyclink()).toEqual(silent);
  });

  it('ends the build if a source does not compile', async () => {
    const { dhPyclink } = await installedSource({ 'debian/shop-app/usr/share/shop-app/bad.py': 'def\n' });
    const ran = await dhPyclink();
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('/usr/share/shop-app/bad.py');
  });
});
