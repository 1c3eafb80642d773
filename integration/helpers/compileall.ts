import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import { pyclink } from '../../test/helpers/pyclink.ts';
import type { RealPython } from '../../test/helpers/pythons.ts';
import { holdToCompiler } from './same-code.ts';

export interface Comparison {
  readonly pycs: number;
  /** Different files that pyclink left. */
  readonly groups: number;
  /** Bytes of all pycs without links, and with them. */
  readonly before: number;
  readonly after: number;
  /** Bytes of everything that is not a pyc. */
  readonly rest: number;
  /** How many times the code of a pyc was held against the compiler's: here, and in normal form. */
  readonly held: number;
  /**
   * Pycs whose code is the compiler's, but not in compileall's bytes. marshal flags an object that something else in
   * the process holds too, so the bits depend on what the process did before: compileall's own output differs between
   * -j1 and -j2.
   */
  readonly referenceBits: readonly string[];
  readonly differences: readonly string[];
}

/**
 * Compiles a copy of the standard library at three levels, once with pyclink and once with compileall, which links
 * from 3.9 on; for older ones, the pycs of a source that are equal in bytes count as linked. Holds the code against what
 * the compiler makes of each source, in compileall's bytes and in normal form.
 * @param only names at the top of the library; default: all of it
 */
export async function compareWithCompileall(python: RealPython, only?: readonly string[]): Promise<Comparison> {
  const work = mkdtempSync(join(tmpdir(), 'pyclink-differential-'));
  try {
    const library = `/usr/lib/python${python.minor}`;
    const [ours = '', theirs = '', normal = ''] = ['raw', 'compileall', 'normal'].map((name) => join(work, name));
    stage(python, join(ours, library), only);
    giveManyModes(ours);
    for (const copy of [theirs, normal]) {
      cpSync(ours, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    }
    await runCompileall(python, theirs, library);
    // The same process history as compileall's: some interpreters let it show in the bytes.
    await build(python, ours, library, ['-j', '1', '--no-normalize']);
    await build(python, normal, library, []);
    return await compare(python, ours, theirs, normal);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Copies a standard library, or what is named at its top, without its pycs. */
export function stage(python: RealPython, directory: string, only?: readonly string[]): void {
  mkdirSync(directory, { recursive: true });
  // In a world, a symlink may lead to a path of that world.
  const keep = (path: string) =>
    basename(path) !== '__pycache__' && basename(path) !== 'site-packages' && existsSync(path);
  for (const name of only ?? ['.']) {
    cpSync(join(python.library, name), join(directory, name), {
      recursive: true,
      preserveTimestamps: true,
      dereference: true,
      filter: keep,
    });
  }
}

/** Permissions of sources as packages have them, in turn: executable, unreadable to others, not writable. */
function giveManyModes(directory: string): void {
  const modes = [0o644, 0o755, 0o664, 0o600, 0o444, 0o4755];
  const sources = everythingIn(directory).filter((path) => path.endsWith('.py'));
  sources.forEach((path, i) => {
    chmodSync(join(directory, path), modes[i % modes.length] as number);
  });
}

async function runCompileall(python: RealPython, buildroot: string, library: string): Promise<void> {
  const levels = ['0', '1', '2'];
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', PYTHONHASHSEED: '0' };
  if (Number(python.minor.split('.')[1]) >= 9) {
    const optimize = levels.flatMap((level) => ['-o', level]);
    const flags = ['-q', '-f', ...optimize, '--hardlink-dupes', '-s', buildroot, '-p', '/'];
    await execa(python.executable, ['-s', '-S', '-B', '-m', 'compileall', ...flags, join(buildroot, library)], {
      env,
      extendEnv: false,
      reject: false,
    });
    return;
  }
  // Before 3.9, -d loses the names of subdirectories (bpo-39769): a call for each directory records them right.
  const script = [
    'import compileall, os, sys',
    'buildroot, library = sys.argv[1:]',
    'for directory, _, _ in sorted(os.walk(buildroot + library)):',
    '    compileall.compile_dir(directory, 0, directory[len(buildroot):], force=True, quiet=2)',
  ].join('\n');
  for (const level of levels) {
    const flag = level === '0' ? [] : [`-${'O'.repeat(Number(level))}`];
    await execa(python.executable, ['-s', '-S', '-B', ...flag, '-c', script, buildroot, library], {
      env,
      extendEnv: false,
    });
  }
}

async function build(python: RealPython, buildroot: string, library: string, flags: readonly string[]): Promise<void> {
  const args = ['build', '--buildroot', buildroot, '--python', python.executable, '--errors', 'warn', '-q'];
  const ran = await pyclink([...args, ...flags, library]);
  if (ran.status !== 0) throw new Error(`pyclink: status ${ran.status}\n${ran.stderr}`);
}

async function compare(python: RealPython, ours: string, theirs: string, normal: string): Promise<Comparison> {
  const linked = Number(python.minor.split('.')[1]) >= 9;
  const differences: string[] = [];
  const otherBytes: string[] = [];
  const [mine, other] = [everythingIn(ours), everythingIn(theirs)];
  const [mineSet, otherSet] = [new Set(mine), new Set(other)];
  for (const path of mine) if (!otherSet.has(path)) differences.push(`only pyclink has ${path}`);
  for (const path of other) if (!mineSet.has(path)) differences.push(`only compileall has ${path}`);
  const pycs = mine.filter((path) => path.endsWith('.pyc') && otherSet.has(path));
  for (const path of pycs) {
    if (!readFileSync(join(ours, path)).equals(readFileSync(join(theirs, path)))) otherBytes.push(path);
    const [a, b] = [lstatSync(join(ours, path)), lstatSync(join(theirs, path))];
    if (a.mode !== b.mode) differences.push(`mode: ${path}: ${a.mode.toString(8)} and ${b.mode.toString(8)}`);
  }
  const sources = mine.filter((path) => path.endsWith('.py')).map((path) => `/${path}`);
  const [code, normalCode] = [
    await holdToCompiler(python, ours, sources),
    await holdToCompiler(python, normal, sources),
  ];
  differences.push(...code.findings, ...normalCode.findings.map((finding) => `in normal form: ${finding}`));
  const referenceBits = otherBytes.filter(
    (path) => !code.wrong.has(`/${path}`) && isSameHeader(python, ours, theirs, path),
  );
  for (const path of otherBytes) if (!referenceBits.includes(path)) differences.push(`bytes: ${path}`);
  const linksIn = (tree: string) => partitionBy(pycs, (path) => String(lstatSync(join(tree, path)).ino));
  const equalIn = (tree: string) =>
    partitionBy(pycs, (path) => `${sourceOf(path)} ${readFileSync(join(tree, path)).toString('base64')}`);
  const partition = linksIn(ours);
  const expected = linked ? linksIn(theirs) : equalIn(theirs);
  // Other bits, other links: there the normal form shows whether pyclink links what is equal.
  const otherBits = new Set(referenceBits.map(sourceOf));
  const isComparable = (group: string) => !otherBits.has(sourceOf(group.split('\n')[0] as string));
  const compareGroups = (a: Set<string>, b: Set<string>, who: string) => {
    for (const group of a) if (isComparable(group) && !b.has(group)) differences.push(`only ${who} links ${group}`);
  };
  compareGroups(partition, expected, 'pyclink');
  compareGroups(expected, partition, 'compileall');
  const [normalLinks, normalEquals] = [linksIn(normal), equalIn(normal)];
  for (const group of normalEquals)
    if (!normalLinks.has(group)) differences.push(`in normal form: not linked: ${group}`);
  const size = (paths: readonly string[]) => paths.reduce((sum, path) => sum + lstatSync(join(ours, path)).size, 0);
  return {
    pycs: pycs.length,
    groups: partition.size,
    before: size(pycs),
    after: size([...partition].map((group) => group.split('\n')[0] as string)),
    rest: size(mine.filter((path) => !path.endsWith('.pyc'))),
    held: code.compared + normalCode.compared,
    referenceBits,
    differences,
  };
}

function isSameHeader(python: RealPython, ours: string, theirs: string, path: string): boolean {
  const size = python.minor === '3.6' ? 12 : 16;
  const [mine, other] = [ours, theirs].map((buildroot) => readFileSync(join(buildroot, path)).subarray(0, size));
  return mine !== undefined && other !== undefined && mine.equals(other);
}

function sourceOf(pyc: string): string {
  return pyc.replace(/(\.opt-[12])?\.pyc$/, '');
}

/** The sets of paths with the same key, each as one text. */
function partitionBy(paths: readonly string[], keyOf: (path: string) => string): Set<string> {
  const groups = new Map<string, string[]>();
  for (const path of paths) {
    const key = keyOf(path);
    groups.set(key, [...(groups.get(key) ?? []), path]);
  }
  return new Set(Array.from(groups.values(), (group) => group.join('\n')));
}
