import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import { systemPython } from '../../test/helpers/pythons.ts';

/** Debian packages with 4,405 modules of all kinds. */
export const mixedPackages: readonly string[] = [
  ...['docutils', 'botocore', 'nltk', 'astropy', 'sphinx', 'dask', 'statsmodels', 'sklearn'].map(
    (name) => `python3-${name}`,
  ),
  ...['mercurial-common', 'ansible-core'],
];

/** Debian packages with 7,692 modules. */
export const manyPackages: readonly string[] = [
  ...['django', 'sympy', 'numpy', 'pandas', 'matplotlib', 'sqlalchemy', 'twisted', 'networkx', 'scipy', 'pip'],
  ...['setuptools', 'babel'],
].map((name) => `python3-${name}`);

/** Keeps downloads between runs. */
const cache = join(tmpdir(), 'pyclink-bench');

const library = 'usr/lib/python3/dist-packages';

/** Fills a buildroot with the modules of Debian packages. apt downloads those that are not in the cache. */
export async function stagePackages(buildroot: string, packages: readonly string[]): Promise<void> {
  const debs = join(cache, 'debs');
  mkdirSync(debs, { recursive: true });
  const fileOf = (name: string) => readdirSync(debs).find((file) => file.startsWith(`${name}_`));
  const missing = packages.filter((name) => fileOf(name) === undefined);
  if (missing.length > 0) await execa('apt-get', ['download', '-q', ...missing], { cwd: debs, stderr: 'inherit' });
  for (const name of packages) {
    const unpacked = join(cache, 'unpacked', name);
    if (!existsSync(unpacked)) {
      mkdirSync(`${unpacked}.part`, { recursive: true });
      await execa('dpkg-deb', ['-x', join(debs, fileOf(name) as string), `${unpacked}.part`]);
      renameSync(`${unpacked}.part`, unpacked);
    }
    copyModules(unpacked, buildroot);
  }
}

/** Fills a buildroot with the standard library of the system's Python. */
export function stageStandardLibrary(buildroot: string): void {
  const others = ['site-packages', 'dist-packages'];
  copyModules(systemPython.library, join(buildroot, `usr/lib/python${systemPython.minor}`), others);
}

/** Fills a buildroot with small modules that are all different. */
export function stageSynthetic(buildroot: string, modules: number, perDirectory = 100): void {
  for (let i = 0; i < modules; i++) {
    const directory = join(buildroot, library, `synthetic/p${Math.floor(i / perDirectory)}`);
    if (i % perDirectory === 0) mkdirSync(directory, { recursive: true });
    const file = join(directory, `m${i}.py`);
    writeFileSync(file, syntheticModule(i));
    utimesSync(file, 1_600_000_000, 1_600_000_000);
  }
}

/** Adds a function to every module that makes its three levels differ. Keeps the mtimes, because pycs record them. */
export function tellLevelsApart(buildroot: string): void {
  const text = '\n\ndef levels_apart():\n    "A docstring."\n    assert True\n';
  for (const path of everythingIn(buildroot).filter((name) => name.endsWith('.py'))) {
    const file = join(buildroot, path);
    const { atime, mtime } = statSync(file);
    appendFileSync(file, text);
    utimesSync(file, atime, mtime);
  }
}

export function countModules(buildroot: string): number {
  return everythingIn(buildroot).filter((path) => path.endsWith('.py')).length;
}

/** Every third module has a docstring, every third an assertion, so that levels differ in all possible ways. */
function syntheticModule(i: number): string {
  return [
    ...(i % 3 === 1 ? [`"""Module ${i}."""`] : []),
    `import os`,
    `name_${i} = ${i}`,
    `def function_${i}(a, b=${i}):`,
    ...(i % 3 === 2 ? ['    assert a'] : []),
    `    return [a + x + name_${i} for x in range(b)]`,
    '',
  ].join('\n');
}

function copyModules(from: string, to: string, left: readonly string[] = []): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory() && !left.includes(entry.name)) copyModules(source, target, left);
    else if (entry.isFile() && entry.name.endsWith('.py')) cpSync(source, target, { preserveTimestamps: true });
  }
}

/** The path of a buildroot of the bench. */
export function placeOf(name: string): string {
  return join(cache, 'run', name);
}

/** Removes all buildroots. */
export function clear(): void {
  rmSync(join(cache, 'run'), { recursive: true, force: true });
}
