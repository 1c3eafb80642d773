import { chmodSync, lstatSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { contentsOf, everythingIn, linkGroupsIn } from '../../test/helpers/buildroot.ts';
import { systemPython } from '../../test/helpers/pythons.ts';
import { stage } from '../helpers/compileall.ts';
import { library } from '../helpers/healthy.ts';

/** Calls with a directory that is gone afterwards. */
export async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'pyclink-faults-')));
  // For those who are not root too.
  chmodSync(directory, 0o755);
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Packages of the standard library: large and small modules, with and without assertions and docstrings. */
const slice = ['json', 'logging', 'importlib', 'email', 'wsgiref'];

/** Makes a buildroot of real sources. @param withPycs what compileall writes is there too: none linked, all to go */
export async function stageSlice(buildroot: string, withPycs: boolean): Promise<void> {
  stage(systemPython, join(buildroot, library), slice);
  if (!withPycs) return;
  const args = ['-m', 'compileall', '-q', '-o', '0', '-o', '1', '-o', '2', '-s', buildroot, '-p', '/'];
  await execa(systemPython.executable, [...args, join(buildroot, library)]);
}

/** Copies a tree with its links and times. */
export async function copyTree(from: string, to: string): Promise<void> {
  await execa('cp', ['-a', from, to]);
}

/** Everything that a build leaves: names, modes, bytes and links. */
export function stateOf(directory: string): unknown {
  return { contents: contentsOf(directory), links: linkGroupsIn(directory) };
}

/** The names in a tree that are temporary files of pyclink. */
export function leftoversIn(directory: string): string[] {
  return everythingIn(directory).filter((path) => path.includes('.pyclink-'));
}

/** What is wrong with a tree after a fault, whatever else is there: pycs that do not load, names gone, files left over. */
export async function harmIn(buildroot: string, names: readonly string[]): Promise<string[]> {
  const after = new Set(everythingIn(buildroot));
  return [
    ...(await unloadable(buildroot)),
    ...names.filter((path) => !after.has(path)).map((path) => `${path}: missing`),
    ...leftoversIn(buildroot).map((path) => `${path}: left`),
  ];
}

const loader = `
import importlib.util, marshal, os, struct, sys
for line in sys.stdin.read().split("\\0"):
    if not line:
        continue
    try:
        with open(line, "rb") as file:
            data = file.read()
        if data[:4] != importlib.util.MAGIC_NUMBER:
            raise ValueError("another magic number")
        flags, mtime, size = struct.unpack("<3I", data[4:16])
        source = os.stat(importlib.util.source_from_cache(line))
        if (flags, mtime, size) != (0, int(source.st_mtime), source.st_size):
            raise ValueError("does not fit its source")
        rest = marshal.loads(data[16:])
        if not hasattr(rest, "co_code"):
            raise ValueError("no code")
    except Exception as error:
        print("%s: %s: %s" % (line, type(error).__name__, error))
`;

/** Has the system Python load every pyc of a tree. @returns what is wrong */
export async function unloadable(directory: string): Promise<string[]> {
  const pycs = everythingIn(directory).filter((path) => path.endsWith('.pyc'));
  const input = pycs.map((path) => join(directory, path)).join('\0');
  const { stdout } = await execa(systemPython.executable, ['-I', '-B', '-c', loader], { input });
  return stdout.split('\n').filter(Boolean);
}

/** Names that a manifest speaks of and that are not so on disk, or the other way round. @param file the manifest */
export function manifestAgainst(file: string, buildroot: string): string[] {
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as {
    linkGroups: { paths: string[]; sizeBytes: number }[];
    singlePycs: { paths: string[]; sizeBytes: number }[];
  };
  const said = new Set<string>();
  const problems: string[] = [];
  for (const { paths, sizeBytes } of [...manifest.linkGroups, ...manifest.singlePycs]) {
    const stats = paths.map((path) => lstatSync(join(buildroot, path), { throwIfNoEntry: false }));
    for (const path of paths) said.add(path);
    if (new Set(stats.map((stat) => stat?.ino)).size !== 1) problems.push(`${paths.join(' ')}: not one file`);
    if (stats.some((stat) => stat?.size !== sizeBytes)) problems.push(`${paths.join(' ')}: another size`);
  }
  for (const path of everythingIn(buildroot)) {
    if (path.endsWith('.pyc') && !said.has(`/${path}`)) problems.push(`/${path}: not in the manifest`);
  }
  return problems;
}
