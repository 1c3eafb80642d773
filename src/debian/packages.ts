import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { lstatIfAny } from '../files/stat.ts';
import type { BinaryPackage } from './call.ts';
import { divertedPaths, type PrivateDirectory, privateDirectories } from './maintainer-scripts.ts';

/** Directories of a package that one interpreter compiles. */
export interface PackageDirectories {
  /** As installed. */
  readonly paths: readonly string[];
  /** The interpreter; undefined if it is chosen by directory. */
  readonly python: string | undefined;
  /** Regular expressions for excluded staged paths. */
  readonly excludeRegex: readonly string[];
}

/**
 * Finds the directories of a package with Python sources: public modules, private directories that dh_python3 compiles,
 * and those that the caller names. Missing ones are left out.
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

/** What py3compile excludes in private directories: it matches the installed path and the path in the directory. */
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

/** Copies a package's manifest to a directory that dh_clean does not remove. */
export function keepManifest(target: Pick<BinaryPackage, 'source' | 'name'>, directory: string): void {
  const file = resolve(target.source, directory, `${target.name}.json`);
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(manifestFile(target), file);
}

/** The text of a file; empty if it does not exist. */
export function textIfAny(file: string): string {
  return lstatIfAny(file)?.kind === 'file' ? readFileSync(file, 'utf8') : '';
}
