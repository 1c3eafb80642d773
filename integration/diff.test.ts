/** `pyclink diff` of real builds, against what Python says of their code. */

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { pycPath } from '../src/pyc/name.ts';
import { plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { type Built, payloads } from './helpers/added-bytecode.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const library = `/usr/lib/python${systemPython.minor}`;
const tag = systemPython.cacheTag;
const module = `${library}/shop/cart.py`;
const cart = 'class Shop:\n    def pay(self):\n        return 80\n    def rest(self, sum):\n        return sum - 1\n';

async function built(
  files: Readonly<Record<string, string>>,
  mtime = 1_600_000_000,
  ...flags: string[]
): Promise<Built> {
  const planted = Object.entries(files).map(([path, content]) => [path, { content, mtime }]);
  const buildroot = plantBuildroot(Object.fromEntries(planted));
  expect(await pyclink(['build', '--buildroot', buildroot, '-q', ...flags])).toMatchObject({ status: 0, stderr: '' });
  return {
    buildroot,
    manifest: '',
    at: (path) => join(buildroot, path),
    beside: (name) => join(buildroot, '..', name),
  };
}

const diff = (old: string, now: string, ...flags: string[]) => pyclink(['diff', old, now, ...flags]);

/** The lines of a report, without the summary. */
const linesOf = (stdout: string) => stdout.split('\n').filter((line) => line !== '' && !line.startsWith('pyclink: '));

describe('pyclink diff', () => {
  it('finds no differences in two builds of one source, and ends with status 0', async () => {
    const [old, now] = [await built({ [module]: cart }), await built({ [module]: cart })];
    expect(await diff(old.buildroot, now.buildroot)).toEqual({
      status: 0,
      stdout: 'pyclink: 1 module: 1 unchanged\n',
      stderr: '',
    });
  });

  it('reports changed functions and values, added and removed modules, and levels', async () => {
    const gone = `${library}/shop/gone.py`;
    const old = await built({ [module]: cart, [gone]: '' });
    const now = await built({ [module]: `# A comment.\n${cart.replace('80', '443')}`, [`${library}/shop/new.py`]: '' });
    rmSync(now.at(pycPath(module as never, tag, 2)));
    const { status, stdout } = await diff(old.buildroot, now.buildroot);
    expect(stdout.split('\n')).toEqual([
      `levels: ${module}: removed (level 2)`,
      `code: ${module}: shop.cart.Shop.pay: constant 1 is int 443, was int 80 (levels 0 1)`,
      `removed: ${gone}: for ${tag} (levels 0 1 2)`,
      `added: ${library}/shop/new.py: for ${tag} (levels 0 1 2)`,
      'pyclink: 3 modules: 1 with different code, 1 added, 1 removed, 1 with different levels, 0 unchanged',
      '',
    ]);
    expect(status).toBe(1);
    const report = JSON.parse((await diff(old.buildroot, now.buildroot, '--json')).stdout);
    expect(report.summary).toEqual({ modules: 3, same: 0, code: 1, added: 1, removed: 1, levels: 1 });
    expect(report.differences).toContainEqual(
      expect.objectContaining({ kind: 'code', path: module, code: 'shop.cart.Shop.pay', levels: [0, 1] }),
    );
  });

  it.each<[string, () => Promise<Built>, string]>([
    [
      'mtime',
      () => built({ [module]: cart }, 1_700_000_000),
      'mtime: PATH: 2023-11-14T22:13:20Z, was 2020-09-13T12:26:40Z (levels 0 1 2)',
    ],
    [
      'the size of the source',
      () => built({ [module]: cart.replace('\n', ' \n') }),
      'header: PATH: size of the source 98, was 97 (levels 0 1 2)',
    ],
    [
      'the path for tracebacks',
      () => built({ [module]: cart }, undefined, '--strip', '/', '--prepend', '/elsewhere'),
      'path: PATH: the same code with a different recorded path (levels 0 1 2)',
    ],
    [
      'the invalidation mode',
      () => built({ [module]: cart }, undefined, '--invalidation-mode', 'unchecked-hash'),
      'header: PATH: invalidation mode unchecked-hash, was timestamp (levels 0 1 2)',
    ],
    [
      'links',
      () => built({ [module]: cart }, undefined, '--no-link'),
      'links: PATH: linked levels: 0 1 2, was 0=1=2 (levels 0 1 2)',
    ],
  ])('reports that only %s differs', async (_, build, line) => {
    const [old, now] = [await built({ [module]: cart }), await build()];
    const { status, stdout } = await diff(old.buildroot, now.buildroot);
    expect(linesOf(stdout)).toEqual([line.replace('PATH', module)]);
    expect(status).toBe(1);
  });

  it('reports that only flags and lines differ', async () => {
    const text = `${cart}x = {"a b": 1}, "a b"\n`;
    const [old, raw] = [await built({ [module]: text }), await built({ [module]: text }, undefined, '--no-normalize')];
    expect((await diff(old.buildroot, raw.buildroot)).stdout).toMatch(/^flags: .*: the same code in normal form/m);
    const moved = await built({ [module]: text.replace('class Shop', '\n\nclass Shop') });
    expect(linesOf((await diff(old.buildroot, moved.buildroot)).stdout)).toEqual([
      `lines: ${module}: the same code with different lines or columns (levels 0 1 2)`,
      `header: ${module}: size of the source ${text.length + 2}, was ${text.length} (levels 0 1 2)`,
    ]);
  });

  it('reports what cannot be compared, and targets without pycs', async () => {
    const [old, now] = [await built({ [module]: cart }), await built({ [module]: cart })];
    const pyc = now.at(pycPath(module as never, tag, 0));
    writeFileSync(pyc, readFileSync(pyc).subarray(0, 40));
    expect((await diff(old.buildroot, now.buildroot)).stdout).toMatch(/^bytes: .*: its code has no normal form/);
    const empty = plantBuildroot({ 'a.py': '' });
    expect(await diff(old.buildroot, empty)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining(`pyclink: ${empty}: it contains no pycs\n`),
    });
    expect(await diff(old.buildroot, join(empty, 'missing'))).toMatchObject({ status: 2, stdout: '' });
  });

  it('shows the first few of frequent differences, and all with -v', async () => {
    const files = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`${library}/shop/m${i}.py`, '']));
    const [old, now] = [await built(files), await built(files, 1_700_000_000)];
    const { stdout } = await diff(old.buildroot, now.buildroot);
    expect(linesOf(stdout)).toHaveLength(6);
    expect(stdout).toContain(
      'mtime: 3 more: -v lists them\npyclink: 8 modules: 8 with a different mtime, 0 unchanged\n',
    );
    expect(linesOf((await diff(old.buildroot, now.buildroot, '-v')).stdout)).toHaveLength(8);
  });
});

describeWith(missingTools('dpkg-deb', 'umoci', 'rpmbuild'), 'pyclink diff of packages', () => {
  it.each(Object.keys(payloads))('finds the same in a %s', async (kind) => {
    const [old, now] = [await built({ [module]: cart }), await built({ [module]: cart.replace('80', '443') })];
    const [one, other] = [await payloads[kind]?.(old), await payloads[kind]?.(now)] as [string, string];
    const line = `code: ${module}: shop.cart.Shop.pay: constant 1 is int 443, was int 80 (levels 0 1 2)`;
    const TMPDIR = temporaryDirectory();
    const { status, stdout } = await pyclink(['diff', one, other], { env: { TMPDIR } });
    expect(linesOf(stdout)).toEqual([line]);
    expect(readdirSync(TMPDIR)).toEqual([]);
    expect(status).toBe(1);
    expect(linesOf((await diff(old.buildroot, other)).stdout)).toEqual([line]);
    expect(await diff(now.buildroot, other)).toMatchObject({ status: 0 });
  });
});

describe('pyclink diff, and Python', () => {
  const packages = ['asyncio', 'email', 'json', 'http', 'xml', 'unittest', 'importlib', 'multiprocessing', 'encodings'];
  /** One of these is done to each module. */
  const edits: readonly ((text: string) => string)[] = [
    (text) => text,
    (text) => `# A line.\n${text}`,
    (text) => text.replace(/^( +)return /m, '$1return None or '),
    (text) => `${text}\n\ndef added(x):\n    return [y for y in x]\n`,
    (text) => text.replace(/\b1\b/, '10000'),
    (text) => text.replace(/^( +)def /m, '$1def inserted(self): return lambda: 7\n$1def '),
  ];
  let files: Readonly<Record<string, string>>;

  beforeAll(async () => {
    const script = 'import sys, sysconfig; print(sysconfig.get_path("stdlib"))';
    const { stdout: stdlib } = await execa(systemPython.executable, ['-c', script]);
    const { stdout } = await execa('find', [...packages.map((name) => join(stdlib, name)), '-name', '*.py']);
    const paths = stdout.split('\n').sort();
    files = Object.fromEntries(paths.map((path) => [path.replace(stdlib, library), readFileSync(path, 'utf8')]));
  });

  it('report the same functions of a library with edited modules', async () => {
    const edited = Object.entries(files).map(([path, text], i) => [path, (edits[i % edits.length] ?? String)(text)]);
    const flags = ['-o', '0', '--errors', 'warn'];
    const build = async (sources: Readonly<Record<string, string>>) => {
      const buildroot = plantBuildroot(sources);
      await pyclink(['build', '--buildroot', buildroot, '-q', ...flags]);
      return buildroot;
    };
    const [old, now] = [await build(files), await build(Object.fromEntries(edited))];
    const oracle = join(import.meta.dirname, 'helpers/code-changes.py');
    const { stdout } = await execa(systemPython.executable, [oracle, old, now]);
    const expected = Object.entries(JSON.parse(stdout) as Record<string, string[]>).map(([path, places]) => [
      basename(path).replace(/\..*/, ''),
      places.map((place) => place.replace(/^<module>/, '')),
    ]);
    const report = JSON.parse((await diff(old, now, '--json')).stdout);
    const found = new Map<string, Set<string>>();
    for (const { kind, path, code } of report.differences) {
      if (kind !== 'code') continue;
      const name = path
        .slice(library.length + 1)
        .replace(/(?:\/__init__)?\.py$/, '')
        .replaceAll('/', '.');
      expect(code.startsWith(name)).toBe(true);
      found.set(path, (found.get(path) ?? new Set()).add(code.slice(name.length)));
    }
    const sorted = (pairs: readonly unknown[]) => pairs.map((pair) => JSON.stringify(pair)).sort();
    expect(found.size).toBeGreaterThan(60);
    expect(sorted(Array.from(found, ([path, places]) => [basename(path, '.py'), [...places].sort()]))).toEqual(
      sorted(expected),
    );
    expect(report.summary.lines).toBeGreaterThan(15);
  });
});
