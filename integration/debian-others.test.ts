/** Adds pycs to packages of Debian's archive, installs them in a real chroot, and follows them until they are purged. */
import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { execa } from 'execa';
import { beforeAll, expect, it } from 'vitest';
import type { Manifest } from '../src/manifest/schema.ts';
import { everythingIn, linkGroupsIn, plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { thisRelease } from '../test/helpers/release.ts';
import { type Chroot, chrootTools, makeChroot } from './helpers/chroot.ts';
import { buildSource, debianTools, downloadPackages } from './helpers/debian.ts';
import { describeWith } from './helpers/tools.ts';

interface Rebuilt {
  readonly deb: string;
  readonly manifest: string;
}

interface Other {
  /** Adds the pycs. */
  readonly rebuild: (deb: string, name: string) => Promise<Rebuilt>;
  /** Where its modules are, as installed. */
  readonly modules: string;
  /** What to put on the path for them. */
  readonly path: string;
  /** Modules that run something, or import what is not there. */
  readonly notImported?: RegExp;
}

const publicModules = '/usr/lib/python3/dist-packages';

const others: Readonly<Record<string, Other>> = {
  'python3-pygments': {
    rebuild: takeApart,
    modules: `${publicModules}/pygments`,
    path: publicModules,
    notImported: /\.(__main__|sphinxext)$/,
  },
  'python3-markupsafe': { rebuild: buildWithDh, modules: `${publicModules}/markupsafe`, path: publicModules },
  wig: {
    rebuild: buildWithDh,
    modules: '/usr/share/wig',
    path: '/usr/share/wig',
    notImported: /^classes\.log$/,
  },
};
const names = Object.keys(others);

const archive = downloadPackages(names);

/** The packager has only the .deb: pycs are added to its files, and everything else stays as it is. */
async function takeApart(deb: string, name: string): Promise<Rebuilt> {
  const work = temporaryDirectory();
  const [tree, manifest, rebuilt] = [join(work, 'tree'), join(work, 'pyclink.json'), join(work, `${name}.deb`)];
  await execa('dpkg-deb', ['--raw-extract', deb, tree]);
  expect(await pyclink(['build', '-q', '--buildroot', tree, '--manifest', manifest])).toMatchObject({ status: 0 });
  const pycs = everythingIn(tree).filter((path) => path.endsWith('.pyc'));
  const sums = await execa('md5sum', pycs, { cwd: tree, stripFinalNewline: false });
  writeFileSync(join(tree, 'DEBIAN/md5sums'), sums.stdout, { flag: 'a' });
  await execa('dpkg-deb', ['--root-owner-group', '--build', tree, rebuilt]);
  return { deb: rebuilt, manifest };
}

/** The packager has debian/rules: the files are built into a package again, and dh_python3 writes its scripts anew. */
async function buildWithDh(deb: string, name: string): Promise<Rebuilt> {
  const source = join(temporaryDirectory(), name);
  const tree = join(source, 'files');
  plant(source, { 'debian/source/format': '3.0 (quilt)\n' });
  await execa('dpkg-deb', ['--raw-extract', deb, tree]);
  const documentation = join(tree, 'usr/share/doc', name);
  const changelog = gunzipSync(readFileSync(join(documentation, 'changelog.Debian.gz'))).toString();
  const { stdout: architecture } = await execa('dpkg-deb', ['--field', deb, 'Architecture']);
  for (const made of ['DEBIAN', 'usr/share/python3', `usr/share/doc/${name}`]) {
    rmSync(join(tree, made), { recursive: true, force: true });
  }
  plant(source, {
    'debian/changelog': changelog,
    'debian/control': `Source: ${/^\S+/.exec(changelog)?.[0]}
Maintainer: A Packager <packager@example.org>
Build-Depends: debhelper-compat (= 13), dh-python, python3
Rules-Requires-Root: no

Package: ${name}
Architecture: ${architecture}
Depends: \${python3:Depends}, \${shlibs:Depends}, \${pyclink:Depends}
Description: package of somebody else, with its pycs
`,
    [`debian/${name}.install`]: 'files/usr /\n',
    'debian/rules': { content: '#!/usr/bin/make -f\n%:\n\tdh $@ --with python3,pyclink\n', mode: 0o755 },
  });
  const { debs, manifest } = await buildSource(source);
  return { deb: debs[name] as string, manifest: manifest(name) };
}

let chroot: Chroot;

const recordsOf = (manifest: string) => {
  const { linkGroups, singlePycs } = JSON.parse(readFileSync(manifest, 'utf8')) as Manifest;
  return [...linkGroups, ...singlePycs];
};

/** Every pyc in the chroot's directories of modules, with what changes when it is written or replaced. */
function pycs(): string[] {
  return Object.values(others).flatMap(({ modules }) => {
    const directory = join(chroot.directory, modules);
    const paths = everythingIn(directory).filter((path) => /__pycache__\//.test(path));
    return paths.map((path) => {
      const { ino, mtimeNs } = lstatSync(join(directory, path), { bigint: true });
      return `${modules}/${path} ${ino} ${mtimeNs}`;
    });
  });
}

/** The pycs in the chroot are those of the manifests, and the same ones share an inode. */
async function expectWhole(rebuilt: Readonly<Record<string, Rebuilt>>): Promise<void> {
  for (const [name, { manifest }] of Object.entries(rebuilt)) {
    const modules = others[name]?.modules ?? '';
    const sets = linkGroupsIn(join(chroot.directory, modules)).map((set) => set.map((path) => `${modules}/${path}`));
    expect(new Set(sets.map(String))).toEqual(new Set(recordsOf(manifest).map(({ paths }) => String(paths))));
    await expectVerified(manifest, chroot.directory);
  }
  expect((await chroot.inside('dpkg', '--verify', ...names)).all).toBe('');
}

async function expectVerified(manifest: string, target: string): Promise<void> {
  const ran = await pyclink(['verify', '--manifest', manifest, target]);
  expect(ran.stdout).toMatch(/: all as built\n$/);
  expect(ran.status).toBe(0);
}

const importer = `
import importlib, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
`;

/** python3 loads every module of a package from the pyc of its level, and finds none stale. */
async function expectImports(
  name: string,
  { manifest }: Rebuilt,
  flags: readonly string[],
  level: RegExp,
): Promise<void> {
  const { path, modules, notImported = /^$/ } = others[name] as Other;
  const moduleOf = (source: string) =>
    source
      .slice(path.length + 1)
      .replace(/(\/__init__)?\.py$/, '')
      .replaceAll('/', '.');
  const wanted = recordsOf(manifest).filter(({ source }) => !notImported.test(moduleOf(source)));
  const imported = [...new Set(wanted.map(({ source }) => moduleOf(source)))].sort();
  const { stderr } = await chroot.inside('python3', ...flags, '-v', '-c', importer, path, ...imported);
  const loaded = [...stderr.matchAll(/^# code object from '(.*)'$/gm)].map(([, file = '']) => file);
  const expected = wanted.flatMap(({ paths }) => paths.filter((pyc) => level.test(pyc)));
  expect(loaded.filter((file) => file.startsWith(`${modules}/`)).sort()).toEqual(expected.sort());
  expect(stderr.match(/^# bytecode is stale.*/gm)).toBeNull();
}

const flagsOfLevels = [
  [[], /\.cpython-\d+\.pyc$/],
  [['-O'], /\.opt-1\.pyc$/],
  [['-OO'], /\.opt-2\.pyc$/],
] as const;

describeWith([...debianTools, ...chrootTools, ...archive.missing], 'packages by others', () => {
  beforeAll(async () => {
    chroot = await makeChroot(thisRelease);
    return chroot.remove;
  }, 300_000);

  it('stay whole from installation to purge once they carry pycs', async () => {
    const rebuilt: Record<string, Rebuilt> = {};
    const shipped: string[] = [];
    for (const [name, { rebuild, modules }] of Object.entries(others)) {
      const deb = join(temporaryDirectory(), `${name}.deb`);
      writeFileSync(deb, archive.debs[name] as Buffer);
      const { deb: made, manifest } = await rebuild(deb, name);
      rebuilt[name] = { deb: made, manifest };
      const before = await filesIn(deb);
      const after = await filesIn(made);
      const sources = before.filter((path) => path.startsWith(`${modules}/`) && path.endsWith('.py'));
      expect(after.filter((path) => path.endsWith('.pyc'))).toHaveLength(3 * sources.length);
      const { paths } = recordsOf(manifest)[0] ?? {};
      expect(paths?.length).toBeGreaterThan(1);
      await expectVerified(manifest, made);
      shipped.push(...after);
    }
    const debs = chroot.carry(Object.values(rebuilt).map(({ deb }) => deb));

    // python3 comes along in the same run.
    await chroot.install(...debs);
    await expectWhole(rebuilt);
    const hook = readFileSync(join(chroot.directory, 'usr/share/python3/runtime.d/wig.rtupdate'), 'utf8');
    expect(hook).toContain('py3compile -p wig');
    const installed = pycs();
    await chroot.inside('/var/lib/dpkg/info/python3.postinst', 'configure', '3.1');
    expect(pycs()).toEqual(installed);
    for (const [flags, level] of flagsOfLevels) {
      for (const [name, each] of Object.entries(rebuilt)) await expectImports(name, each, flags, level);
    }
    await chroot.inside('python3', '-c', 'import markupsafe._speedups');
    await chroot.inside('wig', '--help');
    await chroot.inside('pygmentize', '-f', 'html', '/usr/share/wig/classes/cache.py');
    expect(pycs()).toEqual(installed);
    await chroot.inside('dpkg', '--install', ...debs);
    await expectWhole(rebuilt);

    await chroot.inside('dpkg', '--purge', ...names);
    const left = shipped.filter((path) => existsSync(join(chroot.directory, path)));
    // dpkg fails for a path that is no package's.
    await chroot.inside('dpkg', '--search', ...left);
    expect(left.filter((path) => /\.pyc?$|__pycache__/.test(path))).toEqual([]);
  }, 300_000);
});

/** The installed paths in a .deb, directories too. */
async function filesIn(deb: string): Promise<string[]> {
  const { stdout } = await execa('bash', ['-c', 'dpkg-deb --fsys-tarfile "$0" | tar --list', deb]);
  return stdout
    .split('\n')
    .map((path) => path.replace(/^\.|\/$/g, ''))
    .filter((path) => path !== '');
}
