/** `pyclink audit --recompile`: whether bytecode is what its source compiles to. */

import { appendFileSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { allPythons, systemPython } from '../test/helpers/pythons.ts';
import { built, compileAll, type Tree } from './helpers/faulty-tree.ts';
import { fuzzRecompile } from './helpers/fuzz-recompile.ts';

/** The findings of a recompiling audit: kind, path below the package, detail. */
async function recompiled(target: string, ...args: string[]) {
  const { status, stdout, stderr } = await pyclink(['audit', '--recompile', '--json', target, ...args]);
  const { findings, summary } = JSON.parse(stdout) as {
    findings: { kind: string; path: string; detail: string }[];
    summary: { recompiled: number };
  };
  return { status, stderr, findings, same: summary.recompiled };
}

/** Gives a source another text of the same size and mtime. */
function rewrite({ source }: Tree, module: string, from: string, to: string): void {
  const text = readFileSync(source(module), 'utf8');
  expect([text.includes(from), from.length]).toEqual([true, to.length]);
  writeFileSync(source(module), text.replace(from, to));
  utimesSync(source(module), 1_600_000_000, 1_600_000_000);
}

describe('audit --recompile', () => {
  it.each(allPythons)('confirms the code of $name, whoever wrote the pycs', async (python) => {
    const tree = await built(python);
    const ours = await recompiled(tree.buildroot, '--python', python.executable);
    expect(ours).toEqual({ status: 0, stderr: '', findings: [], same: python.cacheTag.startsWith('cpython') ? 9 : 0 });
    if (python.executable !== systemPython.executable) return;
    await compileAll(tree);
    expect(await recompiled(tree.buildroot, '--ignore', 'unreproducible')).toMatchObject({ status: 0, same: 9 });
  });

  it('reports what differs from the recompiled source', async () => {
    const tree = await built();
    rewrite(tree, 'till', 'sum > 0', 'sum > 9');
    expect(await recompiled(tree.buildroot)).toEqual({
      status: 1,
      stderr: '',
      same: 8,
      findings: [
        {
          kind: 'differs',
          path: tree.pyc('till').slice(tree.buildroot.length),
          container: tree.buildroot,
          detail: expect.stringMatching(/^<module>\.pay: constant \d is int 0, the source gives int 9 with /),
        },
      ],
    });
    expect((await tree.audit()).stdout).toContain('pyclink: nothing wrong\n');
  });

  it('reports code that was compiled at another level', async () => {
    const tree = await built();
    writeFileSync(tree.pyc('till', 0), readFileSync(tree.pyc('till', 1)));
    const { findings } = await recompiled(tree.buildroot, '--only', 'differs', '--only', 'other-compiler');
    expect(findings.map(({ path }) => path)).toEqual([tree.pyc('till').slice(tree.buildroot.length)]);
  });

  it('distinguishes different instructions, which another patch release may write', async () => {
    const tree = await built();
    const flip = [
      'import marshal, sys',
      'data = open(sys.argv[1], "rb").read()',
      'code = next(c for c in marshal.loads(data[16:]).co_consts if hasattr(c, "co_code")).co_code',
      'at = data.index(code) + len(code) - 1',
      'open(sys.argv[1], "wb").write(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])',
    ];
    await execa(systemPython.executable, ['-c', flip.join('\n'), tree.pyc('till')]);
    const { status, findings } = await recompiled(tree.buildroot);
    expect(findings).toMatchObject([
      {
        kind: 'other-compiler',
        detail: expect.stringMatching(/^compiled differently by .*python.* \(3\..*\): <module>\.pay: instructions$/),
      },
    ]);
    expect(status).toBe(1);
  });

  it('reports a pyc whose code is too expensive to normalize, because no compiler writes such code', async () => {
    const tree = await built();
    const nest = [
      'import marshal, sys',
      'data = open(sys.argv[1], "rb").read()',
      'code, deep = marshal.loads(data[16:]), (1, 2)',
      'for _ in range(300): deep = (deep,)',
      'code = code.replace(co_consts=code.co_consts + (frozenset([deep]),))',
      'open(sys.argv[1], "wb").write(data[:16] + marshal.dumps(code))',
    ];
    await execa(systemPython.executable, ['-c', nest.join('\n'), tree.pyc('till')]);
    const { status, findings, same } = await recompiled(tree.buildroot);
    expect(findings).toMatchObject([{ kind: 'differs', path: tree.pyc('till').slice(tree.buildroot.length) }]);
    expect([status, same]).toEqual([1, 8]);
  });

  it('reports that a pyc cannot come from a source that does not compile', async () => {
    const tree = await built();
    rewrite(tree, 'till', 'def pay', 'dex pay');
    const { findings } = await recompiled(tree.buildroot);
    expect(new Set(findings.map(({ kind }) => kind))).toEqual(new Set(['differs']));
    expect(findings).toHaveLength(3);
    expect(findings[0]?.detail).toMatch(/^its source does not compile with .*: SyntaxError: /);
  });

  it('reads packages, and leaves nothing of them behind', async () => {
    const tree = await built();
    rewrite(tree, 'till', 'sum > 0', 'sum > 9');
    const tar = join(temporaryDirectory(), 'shop.tar.gz');
    await execa('tar', ['-C', tree.buildroot, '-czf', tar, '.']);
    const TMPDIR = temporaryDirectory();
    const ran = await pyclink(['audit', '--recompile', '--json', tar], { env: { TMPDIR } });
    const { findings, summary } = JSON.parse(ran.stdout);
    expect([findings.length, summary.recompiled]).toEqual([1, 8]);
    expect(readdirSync(TMPDIR)).toEqual([]);
  });

  it('reports how many pycs were not compiled again, and why', async () => {
    const tree = await built();
    const { stdout, status } = await tree.audit('--recompile', '--python', '/usr/bin/false');
    expect(stdout).toMatch(/^pyclink: 9 pycs not compiled again: no working python3\.\d+: \/usr\/bin\/false does not/m);
    expect(stdout).not.toContain('the same code');
    expect(stdout).toContain('pyclink: no pyc confirmed: none has the code of its recompiled source\n');
    expect(status).toBe(1);
  });

  it.each(['directory', 'tar'])('is incomplete if a source in a %s is too large to be read', async (kind) => {
    const tree = await built();
    const tar = join(temporaryDirectory(), 'shop.tar');
    const limited = [kind === 'tar' ? tar : tree.buildroot, '--max-file-size', '2K'];
    appendFileSync(tree.source('cart'), '#'.repeat(4096));
    await execa('tar', ['-C', tree.buildroot, '-cf', tar, '.']);
    const { stdout, status } = await pyclink(['audit', '--recompile', '--ignore', 'stale', ...limited]);
    expect(stdout).toMatch(/^pyclink: 3 pycs not compiled again: its source was not read: is too large: /m);
    expect(stdout).toContain('pyclink: 6 pycs confirmed: same code as their recompiled sources\n');
    expect(stdout).not.toContain('nothing wrong\n');
    expect(status).toBe(1);
  });

  it('compiles without a path if none is recorded', async () => {
    const tree = await built();
    const compile = [
      'import marshal, sys',
      'source, pyc = sys.argv[1:]',
      'code = compile(open(source).read(), "", "exec", optimize=0, dont_inherit=True)',
      'header = open(pyc, "rb").read(16)',
      'open(pyc, "wb").write(header + marshal.dumps(code))',
    ];
    await execa(systemPython.executable, ['-c', compile.join('\n'), tree.source('till'), tree.pyc('till')]);
    const { findings, same } = await recompiled(tree.buildroot, '--ignore', 'unreproducible');
    expect(findings).toMatchObject([{ kind: 'leaks-path', detail: 'it records no path' }]);
    expect(same).toBe(9);
  });

  it.each(['a directory', 'a tar'])(
    'compiles with its own path a source below a name that is not UTF-8, in %s',
    async (kind) => {
      const tree = await built();
      const place = Buffer.concat([Buffer.from(join(tree.buildroot, tree.directory, 'p\u00e9')), Buffer.of(0xff)]);
      mkdirSync(place);
      writeFileSync(Buffer.concat([place, Buffer.from('/odd.py')]), 'def odd():\n    return "\u00e9"\n');
      const compile =
        'import compileall, sys; compileall.compile_dir(sys.argv[1], stripdir=sys.argv[2], prependdir="/", quiet=1)';
      const site = join(tree.buildroot, tree.directory);
      await execa(systemPython.executable, ['-c', compile, site, tree.buildroot]);
      const tar = join(temporaryDirectory(), 'shop.tar');
      await execa('tar', ['-C', tree.buildroot, '-cf', tar, '.']);
      const target = kind === 'a tar' ? tar : tree.buildroot;
      const { findings, same } = await recompiled(target, '--ignore', 'unreproducible', '--ignore', 'missing-level');
      expect([findings, same]).toEqual([[], 10]);
    },
  );

  it('finds each change in mutated pycs, and nothing in others', async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    const { changed, ...wrong } = await fuzzRecompile(temporaryDirectory(), 100, seed);
    expect(changed.size).toBe(5);
    expect({ seed, ...wrong }).toEqual({ seed, falseAlarms: [], missed: [], others: [] });
  }, 240_000);
});
