import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa, execaSync } from 'execa';
import { expect } from 'vitest';
import type { Manifest } from '../../src/manifest/schema.ts';
import { everythingIn, type Planted, plant, temporaryDirectory } from '../../test/helpers/buildroot.ts';
import { systemPython } from '../../test/helpers/pythons.ts';
import { stage } from '../stage.ts';
import { describeWith, missingTools } from './tools.ts';

/** Nobody's ~/.rpmmacros. */
const withoutHome = { env: { HOME: '/nonexistent' } } as const;

const missing = missingTools('rpmbuild', 'rpm', 'rpm2archive', 'rpmlint');

/** `describe` for what needs rpm's tools. */
export const describeRpm = (name: string, tests: () => void) => describeWith(missing, name, tests);

/**
 * Whose macros a build reads besides pyclink's, and how it comes to pyclink's: those of this machine's rpm, or what a
 * system like Fedora has; loaded by the spec, or from a macros.d directory, which rpm reads before the platform and
 * vendor.
 */
export const worlds = ['debian', 'debian, installed', 'fedora', 'fedora, installed'] as const;
export type World = (typeof worlds)[number];

/** Where the public modules of the specs go. */
export const site = `/usr/lib/python${systemPython.minor}/site-packages`;

export interface Spec {
  /** Before everything else: %global and %undefine. */
  readonly preamble?: string;
  /** Subpackages by their suffix, with their %files. */
  readonly subpackages?: Readonly<Record<string, string>>;
  /** Between the descriptions and %install. */
  readonly middle?: string;
  /** After the planted files are in the buildroot. */
  readonly install?: string;
  /** What follows the word %files. */
  readonly files?: string;
  readonly version?: string;
  /** Default: noarch, which has rpm read the spec twice. */
  readonly arch?: 'noarch' | 'native';
  /** After everything else. */
  readonly end?: string;
}

export interface RpmBuild {
  readonly status: number | undefined;
  /** What rpmbuild and its scripts wrote to either stream, less the trace of their commands. */
  readonly log: string;
  readonly directory: string;
  readonly topdir: string;
  /** It is still there after the build. */
  readonly buildroot: string;
  /** pyclink's, by default. */
  readonly manifest: string;
  /** What was built, sorted. */
  readonly rpms: readonly string[];
}

export interface RpmBuildOptions extends Spec {
  /** What the %install script copies into the buildroot. */
  readonly plant?: Readonly<Record<string, Planted>>;
  readonly world?: World;
  readonly defines?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Of an earlier build, to build there again. */
  readonly directory?: string;
  /** What starts rpmbuild; default: nothing. */
  readonly starter?: readonly string[];
  /** Where pyclink is; default: staged for this build. */
  readonly prefix?: string;
}

/** A spec of a package `shop`, in whose %install all that was planted is copied. */
export function specText(spec: Spec): string {
  const {
    preamble = '',
    subpackages = {},
    middle = '',
    install = '',
    files = '\n/usr',
    version = '1.0',
    end = '',
  } = spec;
  const others = Object.entries(subpackages);
  const noarch = spec.arch === 'native' ? '' : 'BuildArch: noarch';
  return [
    preamble,
    `Name: shop\nVersion: ${version}\nRelease: 1\nSummary: A shop\nLicense: MIT\n${noarch}`,
    '%description\nIt sells things.',
    ...others.map(([name]) => `%package ${name}\nSummary: A part\n%description ${name}\nA part of a shop.`),
    middle,
    `%install\ncp -a %{planted}/. %{buildroot}\n${install}`,
    `%files${files}`,
    ...others.map(([name, list]) => `%files ${name} ${list}`),
    end,
    '',
  ].join('\n');
}

/** Runs rpmbuild, in a directory that goes when the test is over. */
export async function rpmbuild(options: RpmBuildOptions): Promise<RpmBuild> {
  const { directory = temporaryDirectory(), world = 'debian', version = '1.0' } = options;
  const [home, planted, topdir] = ['home', 'planted', 'top'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  const prefix = options.prefix ?? join(directory, 'pyclink/usr');
  if (options.prefix === undefined) stage(join(directory, 'pyclink'));
  for (const each of [home, planted, topdir]) mkdirSync(each, { recursive: true });
  plant(planted, options.plant ?? {});
  const spec = join(directory, 'shop.spec');
  const macros = join(prefix, 'lib/rpm/macros.d/macros.zz-pyclink');
  const defines = { _topdir: topdir, _tmppath: home, planted, pyclink_prefix: prefix, ...options.defines };
  const define = Object.entries(defines).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  // Loading the file sets the knobs.
  const knobs = Object.entries(defines).filter(([name]) => name.startsWith('pyclink_'));
  const load = [`%{load:${macros}}`, ...knobs.map(([name, value]) => `%global ${name} ${value}`), ''].join('\n');
  writeFileSync(spec, `${world.endsWith('installed') ? '' : load}${specText(options)}`);

  const call = ['rpmbuild', '-bb', '--noclean', '--macros', macroFiles(world, directory, macros), ...define, spec];
  // One pipe for both streams keeps their order.
  const args = ['-c', 'exec "$@" 2>&1', 'sh', ...(options.starter ?? []), ...call];
  const { exitCode, stdout } = await execa('sh', args, {
    env: { PATH: process.env['PATH'] ?? '', HOME: home, ...options.env },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    cwd: directory,
  });
  const made = everythingIn(topdir);
  // rpm 4.20 has a directory of its own for each build.
  const [root = ''] = made
    .filter((path) => /BUILDROOT(\/shop-[^/]*)?$/.test(path))
    .toSorted((a, b) => b.length - a.length);
  // The name ends in what rpm calls the machine: for noarch packages, rpm 4.20 says noarch.
  const name = `BUILD/pyclink-shop-${version}-1.`;
  const manifest = made.find((path) => path.startsWith(name) && path.endsWith('.json')) ?? `${name}noarch.json`;
  return {
    status: exitCode,
    log: stdout.replace(/^\++ .*\n/gm, ''),
    directory,
    topdir,
    buildroot: join(topdir, root),
    manifest: join(topdir, manifest),
    rpms: made.filter((path) => /^RPMS\/.*\.rpm$/.test(path)).map((path) => join(topdir, path)),
  };
}

/** What rpm reads, as its option --macros takes it. */
function macroFiles(world: World, directory: string, ours: string): string {
  const fedora = world.startsWith('fedora');
  return [
    '/usr/lib/rpm/macros',
    ...(fedora ? [`${fedoraLike}/macros.d/macros.*`] : []),
    ...(world.endsWith('installed') ? [ours] : []),
    ...(fedora
      ? [platformWithoutPython(directory), `${fedoraLike}/macros.vendor`]
      : ['/usr/lib/rpm/platform/%{_target}/macros']),
  ].join(':');
}

const fedoraLike = join(import.meta.dirname, 'fedora-like');

/** What this machine's rpm says of the platform, less the macros that Debian has kept and others have not. */
function platformWithoutPython(directory: string): string {
  const platform = execaSync('rpm', ['--eval', '%{_rpmconfigdir}/platform/%{_target}/macros'], withoutHome).stdout;
  const file = join(directory, 'macros.platform');
  writeFileSync(file, readFileSync(platform, 'utf8').replace(/^%_*(brp_)?python_bytecompile.*\n/gm, ''));
  return file;
}

/** Runs rpmbuild and expects it to work. */
export async function rpmbuilt(options: RpmBuildOptions): Promise<RpmBuild> {
  const build = await rpmbuild(options);
  expect(build, build.log).toMatchObject({ status: 0 });
  return build;
}

/** What rpm says of packages: its output, a line an entry. */
export async function queryRpms(rpms: readonly string[], queryFormat: string): Promise<string[]> {
  const { stdout } = await execa(
    'rpm',
    ['-qp', '--nosignature', '--nodigest', '--qf', queryFormat, ...rpms],
    withoutHome,
  );
  return stdout.split('\n').filter((line) => line !== '');
}

/** The pycs of packages, as sets that have one FILEINODES in one package; sorted. */
export async function groupsInRpms(rpms: readonly string[]): Promise<string[][]> {
  const groups = new Map<string, string[]>();
  for (const rpm of rpms) {
    for (const line of await queryRpms([rpm], '[%{FILENAMES}\\t%{FILEDEVICES}:%{FILEINODES}\\n]')) {
      const [path = '', inode] = line.split('\t');
      if (!/\.py[co]$/.test(path)) continue;
      const key = `${rpm} ${inode}`;
      groups.set(key, [...(groups.get(key) ?? []), path]);
    }
  }
  return [...groups.values()].sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));
}

/** The names of rpmlint's checks that speak of bytecode, mtimes or links. */
export async function rpmlint(rpms: readonly string[]): Promise<string[]> {
  const { stdout } = await execa('rpmlint', [...rpms], { ...withoutHome, reject: false });
  expect(stdout).toContain(`${rpms.length} packages and 0 specfiles checked`);
  const checks = Array.from(stdout.matchAll(/^\S+: [EWI]: (\S+)/gm), ([, name = '']) => name);
  return checks.filter((name) => /python|bytecode|mtime|link|pyc/.test(name));
}

/** Installs packages into a directory of their own, as `rpm -i --root` does. */
export async function installRpms(rpms: readonly string[]): Promise<string> {
  const root = join(temporaryDirectory(), 'root');
  mkdirSync(root);
  // rpm changes its root directory, which takes root or a user namespace.
  const become = process.getuid?.() === 0 ? [] : ['unshare', '--map-root-user'];
  const [command = '', ...args] = [
    ...become,
    'rpm',
    '-i',
    '--root',
    root,
    '--dbpath',
    '/db',
    '--nodeps',
    '--nosignature',
    // There is no shell in that directory.
    '--noscripts',
  ];
  await execa(command, [...args, ...rpms], withoutHome);
  return root;
}

/** The parsed manifest of a build. */
export function manifestOf({ manifest }: RpmBuild): Manifest {
  return JSON.parse(readFileSync(manifest, 'utf8')) as Manifest;
}

/** Imports modules from an installed tree, as its users do. @returns what `python -v` says of their pycs */
export async function importVerbosely(root: string, directory: string, modules: readonly string[], ...flags: string[]) {
  const script = `import sys; sys.path.insert(0, ${JSON.stringify(join(root, directory))}); import ${modules.join(', ')}`;
  const { stderr } = await execa(systemPython.executable, [...flags, '-v', '-c', script], {
    env: { PATH: '/usr/bin:/bin' },
    extendEnv: false,
  });
  const lines = stderr.split('\n').filter((line) => line.includes(root) || line.includes('stale'));
  return {
    matches: lines.filter((line) => / matches /.test(line)).length,
    complaints: lines.filter((line) => /bytecode is stale|^# created/.test(line)),
  };
}

/** The payload paths of a source's pycs at these levels. */
export function pycs(
  source: string,
  levels: readonly number[] = [0, 1],
  cacheTag: string = systemPython.cacheTag,
): string[] {
  const [, directory, name] = /^(.*)\/([^/]+)\.py$/.exec(source) ?? [];
  const suffixes = levels.map((level) => (level === 0 ? '' : `.opt-${level}`));
  return suffixes.map((suffix) => `${directory}/__pycache__/${name}.${cacheTag}${suffix}.pyc`);
}
