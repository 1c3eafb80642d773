import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import type { AuditKind } from '../../src/audit/kinds.ts';
import { plant, plantBuildroot } from '../../test/helpers/buildroot.ts';
import { pyclink } from '../../test/helpers/pyclink.ts';
import { type RealPython, systemPython } from '../../test/helpers/pythons.ts';

/** A sound tree: three modules of a package. */
export async function built(python: RealPython = systemPython, ...more: string[]) {
  const directory = `/usr/lib/python${python.minor}/site-packages/shop`;
  const buildroot = plantBuildroot({
    [`${directory}/__init__.py`]: { content: '', mtime: 1_600_000_000 },
    [`${directory}/cart.py`]: { content: '"""Docs."""\nitems = []\n', mtime: 1_600_000_000 },
    [`${directory}/till.py`]: { content: 'def pay(sum):\n    assert sum > 0\n', mtime: 1_600_000_000 },
  });
  const ran = await pyclink(['build', '-q', '--buildroot', buildroot, '--python', python.executable, ...more]);
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  const names = (module: string) => ['', '.opt-1', '.opt-2'].map((level) => `${module}.${python.cacheTag}${level}.pyc`);
  return {
    directory,
    buildroot,
    source: (module: string) => join(buildroot, directory, `${module}.py`),
    pyc: (module: string, level = 0) => join(buildroot, directory, '__pycache__', names(module)[level] ?? ''),
    audit: (...args: string[]) => pyclink(['audit', buildroot, ...args]),
  };
}

export type Tree = Awaited<ReturnType<typeof built>>;

/** The kinds that audit finds without compiling. */
export type PlainKind = Exclude<AuditKind, 'differs' | 'other-compiler'>;

/** How to make a tree with one kind of fault in it. */
export const faults: Readonly<Record<PlainKind, () => Promise<Tree>>> = {
  damaged: () => builtThen(({ pyc }) => truncateSync(pyc('till'), 40)),
  stale: () => builtThen(changeSource),
  'never-loaded': () => builtThen(({ source }) => utimesSync(source('till'), 5, 5)),
  foreign: () => builtThen(({ pyc }) => giveMagicNumber(pyc('till'), 3531)),
  sourceless: () =>
    builtThen(({ source, pyc }) => {
      renameSync(pyc('till'), source('till').replace(/y$/, 'yc'));
      for (const file of [source('till'), pyc('till', 1), pyc('till', 2)]) rmSync(file);
    }),
  orphan: () => builtThen(({ source }) => rmSync(source('till'))),
  leftover: () => builtThen(({ pyc }) => copyFileSync(pyc('till'), pyc('till').replace(/\.pyc$/, '-pytest-9.0.3.pyc'))),
  writable: () => builtThen(({ pyc }) => chmodSync(pyc('till'), 0o666)),
  exposed: () => builtThen(({ source }) => chmodSync(source('till'), 0o600)),
  unreadable: () => builtThen(({ pyc }) => chmodSync(pyc('till'), 0o600)),
  'leaks-path': () => built(systemPython, '--strip', '/'),
  'no-bytecode': () => builtThen((tree) => plant(tree.buildroot, { [`${tree.directory}/../bare/one.py`]: 'a = 1\n' })),
  'missing-level': () =>
    builtThen(async (tree) => {
      plant(tree.buildroot, { [`${tree.directory}/shelf.py`]: { content: 'a = 1\n', mtime: 1_600_000_000 } });
      expect((await pyclink(['build', '-q', '--buildroot', tree.buildroot])).status).toBe(0);
      rmSync(tree.pyc('till', 1));
    }),
  unlinked: () => builtThen(({ pyc }) => breakLink(pyc('__init__'))),
  shadowed: () => builtThen(({ buildroot, directory }) => plant(buildroot, { [`${directory}/till.abi3.so`]: '' })),
  unreproducible: () => builtThen(compileAll),
};

async function builtThen(change: (tree: Tree) => unknown): Promise<Tree> {
  const tree = await built();
  await change(tree);
  return tree;
}

/** Makes a pyc look as if another release had written it. */
function giveMagicNumber(path: string, magicNumber: number): void {
  const pyc = readFileSync(path);
  pyc.writeUInt16LE(magicNumber);
  writeFileSync(path, pyc);
}

/** Compiles a tree as Fedora's own step does. */
export async function compileAll({ buildroot }: Tree): Promise<void> {
  const words = ['-s', buildroot, '-p', '/', '-q', '-f', '-o', '0', '-o', '1', '-o', '2', '--hardlink-dupes'];
  const env = { PYTHONDONTWRITEBYTECODE: '' };
  await execa(systemPython.executable, ['-m', 'compileall', ...words, buildroot], { env });
}

export function changeSource({ source }: Tree): void {
  appendFileSync(source('till'), '\n');
  utimesSync(source('till'), 1_600_000_000, 1_600_000_000);
}

export function breakLink(path: string): void {
  copyFileSync(path, `${path}.copy`);
  renameSync(`${path}.copy`, path);
  utimesSync(path, 1_600_000_000, 1_600_000_000);
}
