/** `build --no-debug-ranges`: bytecode without the columns that tracebacks mark. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Manifest, PycRecord } from '../src/manifest/schema.ts';
import { contentsOf, linkGroupsIn, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { itOnEachPython, pythonsWhere } from '../test/helpers/each-python.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { type RealPython, systemPython } from '../test/helpers/pythons.ts';

const directory = '/opt/shop';
const text = (content: string) => ({ content, mtime: 1_600_000_000 });

/** Modules of many kinds of lines; as many as are asked for, for threads. */
function tree(count = 1): string {
  const modules = Array.from({ length: count }, (_, i) => [
    `${directory}/till${i === 0 ? '' : i}.py`,
    text(
      `"""Sells."""\n\n\ndef pay(total, *, parts=${i + 1}):\n    assert parts\n    return total / (parts -\n        ${i + 1})\n`,
    ),
  ]);
  return plantBuildroot({
    ...Object.fromEntries(modules),
    [`${directory}/__init__.py`]: text(''),
    [`${directory}/names.py`]: text('names = {"a", "b"}\nif __debug__:\n    names = sorted(x for x in names)\n'),
  });
}

async function built(buildroot: string, ...flags: string[]) {
  const manifest = join(buildroot, '../manifest.json');
  const call = ['build', '--buildroot', buildroot, '--manifest', manifest, '--json', ...flags, directory];
  const { status, stdout, stderr } = await pyclink(call);
  expect(status, stderr).toBe(0);
  const report = JSON.parse(stdout) as {
    readonly current: number;
    readonly cache?: { readonly local: number; readonly compiled: number };
    readonly warnings: readonly string[];
  };
  const { linkGroups, singlePycs } = JSON.parse(readFileSync(manifest, 'utf8')) as Manifest;
  const records: PycRecord[] = [...linkGroups, ...singlePycs];
  const recorded = [...new Set(records.map(({ debugRanges }) => debugRanges))];
  return { ...report, manifest, stderr, recorded, contents: contentsOf(buildroot), links: linkGroupsIn(buildroot) };
}

/** What Python's own compileall makes of the same sources, in normal form. */
async function ofCompileall({ executable }: RealPython): Promise<Record<string, string>> {
  const buildroot = tree();
  const words = ['-q', '-o', '0', '-o', '1', '-o', '2', '-s', buildroot, '-p', '/', buildroot];
  const flags = ['-B', '-X', 'no_debug_ranges', '-m', 'compileall', '--invalidation-mode', 'timestamp'];
  await execa(executable, [...flags, ...words], { env: { PYTHONHASHSEED: '0' } });
  expect((await pyclink(['link', '-q', '--normalize', '--buildroot', buildroot])).status).toBe(0);
  return contentsOf(buildroot);
}

/** What Python says when the code of a pyc raises an exception. Its source is not where the pyc says that it lies. */
async function traceback({ executable, cacheTag }: RealPython, buildroot: string): Promise<string> {
  const script = [
    'import importlib.machinery, importlib.util, linecache, sys, traceback',
    'spec = importlib.util.spec_from_loader("till", importlib.machinery.SourcelessFileLoader("till", sys.argv[1]))',
    'till = importlib.util.module_from_spec(spec)',
    'spec.loader.exec_module(till)',
    'linecache.cache[till.pay.__code__.co_filename] = 1, None, list(open(sys.argv[2])), ""',
    'try: till.pay(1)',
    'except ZeroDivisionError: traceback.print_exc()',
  ].join('\n');
  const place = join(buildroot, directory);
  const files = [join(place, '__pycache__', `till.${cacheTag}.pyc`), join(place, 'till.py')];
  const { stderr } = await execa(executable, ['-S', '-c', script, ...files], { env: { PYTHON_COLORS: '0' } });
  expect(stderr).toContain('return total / (parts -');
  return stderr.slice(stderr.indexOf('till.py'));
}

const writesColumns = pythonsWhere((minor) => minor >= 11);

describe('build --no-debug-ranges', () => {
  itOnEachPython(
    'gives the same as compileall of $name with -X no_debug_ranges',
    async (python) => {
      const [plain, bare] = [tree(), tree()];
      const ofPlain = await built(plain, '--python', python.executable);
      const ofBare = await built(bare, '--python', python.executable, '--no-debug-ranges');
      expect(ofBare.contents).toEqual(await ofCompileall(python));
      expect(ofBare.contents).not.toEqual(ofPlain.contents);
      expect([ofPlain.recorded, ofBare.recorded]).toEqual([[undefined], [false]]);
      expect(ofBare.links).toEqual(ofPlain.links);
      expect(await traceback(python, plain)).toContain('^');
      expect(await traceback(python, bare)).not.toContain('^');
    },
    writesColumns,
  );

  itOnEachPython(
    'changes nothing with $name, which writes no columns',
    async (python) => {
      const [plain, bare] = [tree(), tree()];
      const one = await built(plain, '--python', python.executable);
      const other = await built(bare, '--python', python.executable, '--no-debug-ranges');
      expect([other.contents, other.recorded, other.warnings]).toEqual([one.contents, [undefined], []]);
      expect(other.stderr).not.toContain('columns');
      expect((await built(bare, '--python', python.executable, '--no-debug-ranges', '--keep-current')).current).toBe(3);
    },
    pythonsWhere((minor) => minor < 11),
  );

  it('has the same result for any number of threads, and logs what it leaves out', async () => {
    const alone = await built(tree(240), '-j', '1', '--no-debug-ranges');
    const many = await built(tree(240), '-j', '4', '--no-debug-ranges');
    expect(many.contents).toEqual(alone.contents);
    expect(many.recorded).toEqual([false]);
    expect(many.stderr).toMatch(/^pyclink: compiling 242 sources .*, levels 0 1 2, without columns$/m);
  });

  it('keeps only pycs with or without columns, as requested', async () => {
    const buildroot = tree();
    const rounds: [flags: string[], current: number][] = [
      [[], 0],
      [[], 3],
      [['--no-debug-ranges'], 0],
      [['--no-debug-ranges'], 3],
      [[], 0],
    ];
    for (const [flags, current] of rounds) {
      for (const how of [['--dry-run'], []]) {
        const ran = await pyclink([
          'build',
          '--json',
          '--keep-current',
          ...flags,
          ...how,
          '--buildroot',
          buildroot,
          directory,
        ]);
        expect([flags, JSON.parse(ran.stdout)]).toMatchObject([flags, { current }]);
      }
    }
  });

  it('has separate entries in a cache', async () => {
    const cache = ['--cache-dir', join(temporaryDirectory(), 'cache')];
    const hits = async (...flags: string[]) => {
      const { cache: counts, contents } = await built(tree(), ...cache, ...flags);
      expect(contents).toEqual((await built(tree(), ...flags)).contents);
      return counts?.local;
    };
    expect(await hits()).toBe(0);
    expect(await hits('--no-debug-ranges')).toBe(0);
    expect([await hits(), await hits('--no-debug-ranges')]).toEqual([3, 3]);
  });

  it('is what verify, link --normalize and audit --recompile expect, beside pycs with columns', async () => {
    const buildroot = tree();
    await built(buildroot, '--no-debug-ranges', '--exclude', 'names.py');
    const { manifest, contents, links, recorded } = await built(
      buildroot,
      '--append',
      '--exclude',
      'till.py',
      '--exclude',
      '__init__.py',
    );
    expect([...recorded].sort()).toEqual([false, undefined]);
    const clean = { status: 0, stderr: '' };
    expect(await pyclink(['verify', '--manifest', manifest, buildroot])).toMatchObject(clean);
    const again = ['link', '-q', '--normalize', '--buildroot', buildroot, '--manifest', `${manifest}.link`];
    expect(await pyclink(again)).toMatchObject(clean);
    expect([contentsOf(buildroot), linkGroupsIn(buildroot)]).toEqual([contents, links]);
    const recordsIn = (file: string) => {
      const { linkGroups, singlePycs } = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
      return [linkGroups, singlePycs];
    };
    expect(recordsIn(`${manifest}.link`)).toEqual(recordsIn(manifest));
    const audited = () => pyclink(['audit', '--recompile', '--json', buildroot]);
    const sound = await audited();
    expect(JSON.parse(sound.stdout)).toMatchObject({ findings: [], summary: { recompiled: 9 } });

    const pyc = join(buildroot, directory, `__pycache__/till.${systemPython.cacheTag}.pyc`);
    const changed = readFileSync(pyc);
    changed[changed.indexOf('Sells')] = 0x54;
    writeFileSync(pyc, changed);
    expect((await audited()).stdout).toContain('"kind": "differs"');
  });

  it('ignores the variable of Python, with a warning', async () => {
    const [plain, other] = [tree(), tree()];
    const { contents } = await built(plain);
    const ran = await pyclink(['build', '-q', '--buildroot', other, directory], { env: { PYTHONNODEBUGRANGES: '1' } });
    expect(ran.stderr).toBe(
      'pyclink: warning: PYTHONNODEBUGRANGES is not used: --no-debug-ranges compiles without columns\n',
    );
    expect(contentsOf(other)).toEqual(contents);
  });
});
