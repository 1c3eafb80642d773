import { cpSync, lstatSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { normalizePyc } from '../../src/marshal/normalize-pyc.ts';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import { pyclink, type RunOptions } from '../../test/helpers/pyclink.ts';
import type { RealPython } from '../../test/helpers/pythons.ts';
import { stage } from './compileall.ts';
import { codeDigest } from './marshal-dump.ts';
import { holdToCompiler } from './same-code.ts';

export interface NormalForm {
  readonly pycs: number;
  /** Pycs that compileall had written otherwise. */
  readonly rewritten: number;
  readonly problems: readonly string[];
}

/** Where one is compiled first, the interpreter marshals the constant of the other as an interned string from then on. */
const telltales = {
  'telltale_name.py': `é = 1\n#${'#'.repeat(10_000)}\n`,
  'telltale_text.py': 'text = "é"\n',
};

/** Works with trees, which go when the work is done. */
async function withTrees<T>(
  python: RealPython,
  only: readonly string[] | undefined,
  work: (trees: Trees) => Promise<T>,
): Promise<T> {
  const trees = new Trees(python, only);
  try {
    return await work(trees);
  } finally {
    trees.remove();
  }
}

/** The trees of one run. */
class Trees {
  readonly #work = mkdtempSync(join(tmpdir(), 'pyclink-normal-'));
  readonly #python: RealPython;
  readonly #library: string;
  readonly #only: readonly string[] | undefined;

  constructor(python: RealPython, only: readonly string[] | undefined) {
    this.#python = python;
    this.#library = `/usr/lib/python${python.minor}`;
    this.#only = only;
  }

  /** A buildroot with the sources. */
  planted(name: string): string {
    const buildroot = join(this.#work, name);
    stage(this.#python, join(buildroot, this.#library), this.#only);
    for (const [file, content] of Object.entries(telltales)) {
      writeFileSync(join(buildroot, this.#library, file), content);
      utimesSync(join(buildroot, this.#library, file), 1_600_000_000, 1_600_000_000);
    }
    return buildroot;
  }

  /** @param names files at the top of the library, in their order; none: all of it */
  async build(buildroot: string, flags: readonly string[], names: readonly string[] = ['.'], options: RunOptions = {}) {
    const args = ['build', '--buildroot', buildroot, '--python', this.#python.executable, '--errors', 'warn', '-q'];
    const ran = await pyclink([...args, ...flags, ...names.map((name) => join(this.#library, name))], options);
    if (ran.status !== 0) throw new Error(`pyclink: status ${ran.status}\n${ran.stderr}`);
  }

  copied(buildroot: string, name: string): string {
    const copy = join(this.#work, name);
    cpSync(buildroot, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    return copy;
  }

  names(buildroot: string): string[] {
    if (this.#only !== undefined) return [...this.#only, ...Object.keys(telltales)];
    return everythingIn(join(buildroot, this.#library)).filter((path) => !path.includes('/'));
  }

  remove(): void {
    rmSync(this.#work, { recursive: true, force: true });
  }
}

/**
 * Compiles a standard library at three levels and checks the normal form of each pyc: the code is what the compiler
 * makes of the source; pyclink reads in it what the interpreter reads; there is nothing left to normalize; every way
 * there gives the same bytes and links.
 * @param only names at the top of the library; default: all of it
 */
export async function checkNormalForm(python: RealPython, only?: readonly string[]): Promise<NormalForm> {
  return withTrees(python, only, async (trees) => {
    const raw = trees.planted('raw');
    await trees.build(raw, ['--no-normalize']);
    const later = trees.copied(raw, 'later');
    const ran = await pyclink(['link', '--buildroot', later, '--normalize', '-q']);
    if (ran.status !== 0 || ran.stderr !== '') throw new Error(`pyclink: status ${ran.status}\n${ran.stderr}`);
    const normal = trees.planted('normal');
    await trees.build(normal, []);

    const sources = everythingIn(normal).filter((path) => path.endsWith('.py'));
    const code = await holdToCompiler(
      python,
      normal,
      sources.map((path) => `/${path}`),
    );
    const problems = [...differences(later, normal), ...code.findings];
    const pycs = pycsIn(normal);
    let rewritten = 0;
    const read = pycs.map((path) => {
      const [original, pyc] = [readFileSync(join(raw, path)), readFileSync(join(normal, path))];
      if (!original.equals(pyc)) rewritten += 1;
      if (normalizePyc(pyc) !== pyc) problems.push(`changes when it is normalized again: ${path}`);
      return codeDigest(pyc);
    });
    const readByPython = await digestsByPython(python, normal, pycs);
    for (const [i, path] of pycs.entries()) {
      if (readByPython[i] !== read[i]) problems.push(`pyclink reads other code than the interpreter: ${path}`);
    }
    return { pycs: pycs.length, rewritten, problems };
  });
}

/** A line for each pyc: what dump-code.py says. */
async function digestsByPython(python: RealPython, buildroot: string, pycs: readonly string[]): Promise<string[]> {
  const script = join(import.meta.dirname, 'dump-code.py');
  const input = pycs.map((path) => join(buildroot, path)).join('\n');
  const { stdout } = await execa(python.executable, ['-I', '-S', '-B', script], { input });
  return stdout.split('\n');
}

/** Builds one tree in many ways. Gives the pycs that differ, in bytes or links. */
export async function checkReproducible(python: RealPython, only?: readonly string[]): Promise<readonly string[]> {
  return withTrees(python, only, async (trees) => {
    const first = trees.planted('one');
    await trees.build(first, ['-j', '1']);

    const other = trees.planted('a/much/longer/path/to/another');
    const env = { TZ: 'Asia/Tokyo', LC_ALL: 'tr_TR.UTF-8', LANG: 'C', PYTHONHASHSEED: '77', PYTHONUTF8: '0' };
    const umask = process.umask(0o077);
    try {
      await trees.build(other, ['-j', '2'], trees.names(other).reverse(), { env });
    } finally {
      process.umask(umask);
    }

    const late = trees.planted('late');
    const names = trees.names(late);
    await trees.build(
      late,
      ['-j', '1'],
      names.filter((_, i) => i % 2 === 1),
    );
    await trees.build(late, ['-j', '7', '--keep-current'], ['.'], { env: { PYTHONHASHSEED: '1' } });
    return [...differences(first, other), ...differences(first, late)];
  });
}

function pycsIn(buildroot: string): string[] {
  return everythingIn(buildroot).filter((path) => path.endsWith('.pyc'));
}

/** How the pycs of two trees differ: by name, in bytes, in links. */
function differences(one: string, other: string): string[] {
  const [paths, others] = [pycsIn(one), pycsIn(other)];
  const found = [...paths.filter((path) => !others.includes(path)), ...others.filter((path) => !paths.includes(path))];
  if (found.length > 0) return found.map((path) => `only in one tree: ${path}`);
  const first = (buildroot: string) => {
    const seen = new Map<number, string>();
    return paths.map((path) => {
      const { ino } = lstatSync(join(buildroot, path));
      if (!seen.has(ino)) seen.set(ino, path);
      return seen.get(ino);
    });
  };
  const [links, otherLinks] = [first(one), first(other)];
  return paths.flatMap((path, i) => [
    ...(readFileSync(join(one, path)).equals(readFileSync(join(other, path))) ? [] : [`other bytes: ${path}`]),
    ...(links[i] === otherLinks[i] ? [] : [`other links: ${path}`]),
  ]);
}
