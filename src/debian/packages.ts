import { copyFileSync, existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { PyclinkError } from '../errors.ts';
import { lstatIfAny } from '../files/stat.ts';
import type { DebhelperCall } from './arguments.ts';
import { hasRun } from './debhelper-log.ts';
import { divertedPaths, type PrivateDirectory, privateDirectories } from './maintainer-scripts.ts';
import { textIfAny } from './text-if-any.ts';

/** A binary package during the build. */
export interface BinaryPackage {
  /** The source package's directory. */
  readonly source: string;
  readonly name: string;
  /** Its build directory, debian/PACKAGE by default. */
  readonly tree: string;
}

/** Directories of a package that one interpreter compiles. */
export interface PackageDirectories {
  /** As installed. */
  readonly paths: readonly string[];
  /** The interpreter; undefined: by directory. */
  readonly python: string | undefined;
  /** Regular expressions for staged paths that are left out. */
  readonly excludeRegex: readonly string[];
}

/**
 * The packages that a call acts on, according to dh_listpackages.
 * @param source the source package's directory
 * @throws PyclinkError `tool-failed`, `usage`
 */
export async function listPackages(
  source: string,
  {
    selection,
    onlyRemaining,
    packageDirectory,
  }: Pick<DebhelperCall, 'selection' | 'onlyRemaining' | 'packageDirectory'>,
): Promise<BinaryPackage[]> {
  const { stdout, stderr, failed } = await execa('dh_listpackages', selection, { cwd: source, reject: false });
  if (failed) {
    // What follows the reason says only that there is one.
    const reason = /: error: (.*)/.exec(stderr)?.[1] ?? (stderr.trim() || 'it does not start');
    throw new PyclinkError('tool-failed', `dh_listpackages: ${reason}`);
  }
  const chosen = stdout.split('\n').filter((name) => name !== '');
  // dh_listpackages would look for calls of itself.
  const names = chosen.filter((name) => !onlyRemaining || !hasRun(source, name));
  if (packageDirectory !== undefined && names.length > 1) {
    throw new PyclinkError('usage', `dh_pyclink -P: for one package only, not for ${names.join(', ')}`);
  }
  return names.map((name) => ({ source, name, tree: join(source, packageDirectory ?? `debian/${name}`) }));
}

/** The seconds of the newest changelog entry, for SOURCE_DATE_EPOCH where dh has not set it. */
export async function changelogSeconds(source: string): Promise<string | undefined> {
  const { stdout, failed } = await execa('dpkg-parsechangelog', ['-STimestamp'], { cwd: source, reject: false });
  return failed ? undefined : stdout.trim();
}

/**
 * The directories of a package with Python sources: public modules, private directories that dh_python3 compiles, and
 * those that the caller names. Only existing ones.
 */
export function findDirectories({ source, name, tree }: BinaryPackage, named: readonly string[]): PackageDirectories[] {
  const library = join(tree, 'usr/lib');
  const publicPaths = existsSync(library)
    ? readdirSync(library)
        .filter((entry) => /^python3(\.\d+)?$/.test(entry))
        .map((entry) => `/usr/lib/${entry}/dist-packages`)
    : [];
  const own = ['lib', 'share', 'lib/games', 'share/games'].map((place) => `/usr/${place}/${name}`);
  const told = privateDirectories(textIfAny(join(source, `debian/${name}.postinst.debhelper`)));
  const versioned = told.filter(({ versions }) => versions !== undefined && /^3\.\d+$/.test(versions));
  const byPlace = [...publicPaths, ...own, ...told.map(({ directory }) => directory), ...named];
  const pinned = new Set(versioned.map(({ directory }) => directory));
  const isThere = (path: string) => lstatIfAny(join(tree, path))?.kind === 'directory';
  const calls: Omit<PackageDirectories, 'excludeRegex'>[] = [
    { paths: [...new Set(byPlace)].filter((path) => !pinned.has(path)), python: undefined },
    ...versioned.map(({ directory, versions }) => ({ paths: [directory], python: `python${versions}` })),
  ];
  return calls
    .map(({ paths, python }) => ({ paths: paths.filter(isThere), python }))
    .filter(({ paths }) => paths.length > 0)
    .map((directories) => ({ ...directories, excludeRegex: excludesOf(tree, told) }));
}

/** What py3compile leaves out of private directories: it matches the installed path and the path in the directory. */
function excludesOf(tree: string, told: readonly PrivateDirectory[]): string[] {
  const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return told.flatMap(({ directory, excludes }) =>
    excludes.map((exclude) => {
      const [, flags = '', pattern = ''] = /^(\(\?[ims]+\))?(.*)$/s.exec(exclude) ?? [];
      const [root, below] = [literal(realpathSync(tree)), literal(`${directory.replace(/\/+$/, '')}/`)];
      return `${flags}^${root}(?:(?=${below})(?:${pattern})|${below}(?:${pattern}))`;
    }),
  );
}

/** The paths that the packager's maintainer scripts divert. */
export function findDiverted({ source, name }: Pick<BinaryPackage, 'source' | 'name'>): ReadonlySet<string> {
  const scripts = ['preinst', 'postinst'].map((script) => textIfAny(join(source, `debian/${name}.${script}`)));
  return new Set(scripts.flatMap(divertedPaths));
}

/** The path of a package's manifest, below a directory that dh_clean removes. */
export function manifestFile({ source, name }: Pick<BinaryPackage, 'source' | 'name'>): string {
  return join(source, 'debian/.debhelper/generated', name, 'pyclink.json');
}

/** Copies a package's manifest to where it lasts. */
export function keepManifest(target: Pick<BinaryPackage, 'source' | 'name'>, directory: string): void {
  const file = resolve(target.source, directory, `${target.name}.json`);
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(manifestFile(target), file);
}
