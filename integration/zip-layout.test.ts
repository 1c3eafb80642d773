/** `--layout zip`: pycs beside their sources, in zips that zipimport reads, and trees without sources. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../src/manifest/schema.ts';
import { everythingIn, plant, plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { allPythons, systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const sources = {
  '__main__.py': 'import shop.cart, sys\nprint(shop.__file__, shop.cart.__file__, shop.cart.pay.__doc__)\n',
  'shop/__init__.py': '',
  'shop/cart.py': 'def pay(sum):\n    """Docs."""\n    assert sum\n',
};
const quiet = { status: 0, stdout: '', stderr: '' };
const asBuilt = { status: 0, stdout: expect.stringMatching(/: all as built\n$/), stderr: '' };

/** A staged application, and what is done with it. */
function application(more: Parameters<typeof plantBuildroot>[0] = {}) {
  const tree = plantBuildroot({ ...sources, 'shop/prices.json': '{}', ...more });
  const top = dirname(tree);
  const manifest = join(top, 'm.json');
  return {
    tree,
    at: (...names: string[]) => join(top, ...names),
    build: (...args: string[]) =>
      pyclink(['build', '-q', '--buildroot', tree, '/', '--layout', 'zip', '--manifest', manifest, ...args]),
    verify: (...targets: string[]) => pyclink(['verify', '--manifest', manifest, ...targets]),
    manifest: () => JSON.parse(readFileSync(manifest, 'utf8')),
    zip: () => execa('zip', ['-qr', '../app.zip', '.'], { cwd: tree }),
    python: async (...args: string[]) => (await execa(systemPython.executable, args, { cwd: top })).stdout,
  };
}

describeWith(missingTools('zip'), '--layout zip', () => {
  it.each(allPythons)('is loaded by zipimport in a zipapp: $name', async ({ executable, minor, cacheTag }) => {
    const { at, tree, build, verify, manifest } = application();
    expect(await build('--python', executable)).toEqual(quiet);
    expect(everythingIn(tree).filter((name) => name.endsWith('.pyc'))).toEqual([
      '__main__.pyc',
      'shop/__init__.pyc',
      'shop/cart.pyc',
    ]);
    const mode = minor === '3.6' ? 'timestamp' : 'unchecked-hash';
    expect(manifest()).toMatchObject({ optimizationLevels: [0], invalidationModes: [mode], linkGroups: [] });
    expect(manifest().singlePycs[2]).toMatchObject({ paths: ['/shop/cart.pyc'], cacheTag, optimizationLevel: 0 });
    await execa(executable, ['-m', 'zipapp', tree, '-o', at('app.pyz')]);
    const { stdout } = await execa(executable, [at('app.pyz')]);
    expect(stdout).toBe(`${at('app.pyz/shop/__init__.pyc')} ${at('app.pyz/shop/cart.pyc')} Docs.`);
    expect(await verify(at('app.pyz'))).toEqual(asBuilt);
    expect(await pyclink(['audit', at('app.pyz')])).toMatchObject({ status: 0 });
  });

  it('names no level of a pyc whose name has none', async () => {
    const [old, now] = [application(), application({ 'shop/cart.py': 'def pay(sum):\n    return 1\n' })];
    for (const { build } of [old, now]) expect(await build('-o', '2')).toEqual(quiet);
    const { stdout: inspected } = await pyclink(['inspect', join(now.tree, 'shop/cart.pyc')]);
    expect(inspected).toContain('\nlevel         not in the name\n');
    expect((await pyclink(['audit', now.tree])).stdout).toContain('without a cache tag: 3 pycs of unknown level\n');
    expect((await pyclink(['diff', old.tree, now.tree])).stdout).toMatch(/^code: \/shop\/cart\.py: cart\.pay: [^(]*$/m);
    const page = now.at('page.html');
    await pyclink(['audit', '-q', '--html', page, now.tree]);
    expect(readFileSync(page, 'utf8')).toContain('<td>/shop/cart.py</td><td></td><td></td>');
  });

  it('is loaded without the sources, in a zip and in a directory', async () => {
    const { tree, at, build, verify, zip, python } = application();
    expect(await build('--remove-sources', '-o', '2')).toEqual(quiet);
    expect(everythingIn(tree)).toEqual([
      '__main__.pyc',
      'shop',
      'shop/__init__.pyc',
      'shop/cart.pyc',
      'shop/prices.json',
    ]);
    await zip();
    for (const place of [tree, at('app.zip')]) {
      expect(await python(place)).toBe(`${place}/shop/__init__.pyc ${place}/shop/cart.pyc None`);
      expect(await verify(place)).toEqual(asBuilt);
    }
    const { stderr } = await execa(systemPython.executable, ['-v', tree]);
    for (const name of ['shop/__init__.pyc', 'shop/cart.pyc']) {
      expect(stderr).toContain(`code object from '${join(tree, name)}'`);
    }
    expect(await python(join(tree, '__main__.pyc'))).toContain(`${tree}/shop/cart.pyc`);
    // Of a file that is not what was built, the source is not missed.
    writeFileSync(join(tree, 'shop/cart.pyc'), 'x');
    expect((await verify(tree)).stdout).toMatch(/^damaged: \/shop\/cart\.pyc: .*\npyclink: .*: 1 finding\n$/);
  });

  it.each(['0', '1', '2'])('is compiled again by audit --recompile, which tries each level (-o %s)', async (level) => {
    const { tree, at, build, zip } = application();
    expect(await build('-o', level)).toEqual(quiet);
    await zip();
    const audit = ['audit', '--recompile', at('app.zip')];
    expect(await pyclink(audit)).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing wrong') });
    plant(tree, { 'shop/cart.py': 'def pay(sum):\n    """Docs."""\n    assert sum + 1\n' });
    await zip();
    expect((await pyclink([...audit, '--only', 'differs'])).stdout).toContain('cart.pyc');
  });

  it('reports a pyc in a __pycache__ of the zip, which is not of the build', async () => {
    const { tree, at, build, verify, zip } = application();
    expect(await build()).toEqual(quiet);
    await pyclink(['build', '-q', '--buildroot', tree, '/', '-o', '0']);
    await zip();
    const { status, stdout } = await verify(at('app.zip'));
    expect({ status, kinds: stdout.match(/^unrecorded: .*__pycache__/gm) }).toMatchObject({
      status: 1,
      kinds: { length: 3 },
    });
  });

  it('is the standard library in python3XY.zip, without sources', async () => {
    const { at, build, verify, tree } = application();
    const { library, minor, executable } = systemPython;
    const zip = at(`home/lib/python${minor.replace('.', '')}.zip`);
    const stage = `
      mkdir -p home/lib/python${minor}
      cp -r ${library}/. ${tree}
      rm -r ${tree}/test ${tree}/config-* || true
      find ${tree} -name __pycache__ -prune -exec rm -r {} +
      mv ${tree}/lib-dynload home/lib/python${minor}/`;
    await execa('sh', ['-e', '-c', stage], { cwd: at() });
    // Its templates and links of Debian are no modules.
    const ran = await build('--remove-sources', '--python', executable, '--errors', 'warn');
    expect(ran).toMatchObject({ status: 0, stdout: '' });
    await execa('zip', ['-qr', zip, '.'], { cwd: tree });
    expect(await verify(zip)).toEqual(asBuilt);
    const script =
      'import asyncio, json, sys; print(*(getattr(getattr(m, "__spec__", None), "origin", "") for m in list(sys.modules.values())))';
    const { stdout } = await execa(executable, ['-S', '-c', script], { env: { PYTHONHOME: at('home') } });
    const files = stdout.split(' ').filter((path) => path.includes('/'));
    expect(files.length).toBeGreaterThan(50);
    expect(files.filter((path) => !path.startsWith(`${zip}/`) && !path.includes('/lib-dynload/'))).toEqual([]);
    expect(files.filter((path) => path.endsWith('.py'))).toEqual([]);
  }, 60_000);

  it('is verified where it was built in place, by relative paths', async () => {
    const { tree } = application();
    const inTree = (...args: string[]) => pyclink(args, { cwd: tree });
    const build = [
      'build',
      '-q',
      '--in-place',
      'shop',
      '--layout',
      'zip',
      '--remove-sources',
      '--manifest',
      '../m.json',
    ];
    expect(await inTree(...build)).toEqual(quiet);
    expect(everythingIn(join(tree, 'shop'))).toEqual(['__init__.pyc', 'cart.pyc', 'prices.json']);
    for (const target of ['shop', './shop/', join(tree, 'shop'), '/']) {
      expect(await inTree('verify', '--manifest', '../m.json', target)).toEqual(asBuilt);
    }
  });

  it('is recorded the same with threads', async () => {
    const many = Array.from({ length: 300 }, (_, i) => [`many/m${i}.py`, `x = ${i}\n`] as const);
    const [one, other] = [application(Object.fromEntries(many)), application(Object.fromEntries(many))];
    expect(await one.build('-j', '8', '-o', '1')).toEqual(quiet);
    expect(await other.build('-j', '1', '-o', '1')).toEqual(quiet);
    expect(one.manifest()).toEqual(other.manifest());
    expect(one.manifest()).toMatchObject({ optimizationLevels: [1], totals: { pycs: 303 } });
  });

  it('makes the same bytes from a cache, and does not touch current pycs', async () => {
    const [one, other] = [application(), application()];
    expect(await one.build('--cache-dir', one.at('cache'))).toEqual(quiet);
    expect(await other.build('--cache-dir', one.at('cache'))).toEqual(quiet);
    expect(other.manifest()).toEqual(one.manifest());
    const again = await pyclink(['build', '--json', '--buildroot', one.tree, '/', '--layout', 'zip']);
    expect(JSON.parse(again.stdout)).toMatchObject({ pycs: 3, unchanged: 3 });
  });

  it.each([
    [['-o', '0,1'], '--layout zip: takes one level, such as -o 0, because a module has one pyc there'],
    [['--keep-current'], '--keep-current: conflicts with --layout zip, whose pyc names do not tell the level'],
    [
      ['--layout', 'pycache', '--remove-sources'],
      '--remove-sources: needs --layout zip, otherwise no import finds the pycs',
    ],
  ])('refuses %j', async (args, message) => {
    const { tree, build } = application();
    const before = everythingIn(tree);
    expect(await build(...args)).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
    expect(everythingIn(tree)).toEqual(before);
  });

  it('is restamped, linked, appended to and listed', async () => {
    const { tree, at, build, verify, manifest } = application();
    expect(await build('--invalidation-mode', 'timestamp', '--filelist', at('list'))).toEqual(quiet);
    expect(readFileSync(at('list'), 'utf8')).toBe('"/__main__.pyc"\n"/shop/__init__.pyc"\n"/shop/cart.pyc"\n');
    const restamp = ['restamp', '--buildroot', tree, '--mtime', '86400', '--manifest', at('m.json')];
    expect(await pyclink(restamp)).toMatchObject({
      status: 0,
      stdout: 'pyclink: 3 sources, 3 pycs restamped, 0 left unchanged\n',
    });
    expect(await verify(tree)).toEqual(asBuilt);
    expect(await build('--remove-sources')).toEqual(quiet);
    expect(await pyclink(restamp)).toMatchObject({
      status: 0,
      stdout: 'pyclink: 0 sources, 0 pycs restamped, 0 left unchanged\n',
    });
    expect(await pyclink(['link', '--buildroot', tree])).toMatchObject({ status: 0 });
    expect(await pyclink(['relink', '--buildroot', tree, '--manifest', at('m.json')])).toMatchObject({ status: 0 });
    plant(tree, { 'shop/till.py': 'total = 0\n' });
    expect(await build('--remove-sources', '--append')).toEqual(quiet);
    expect(manifest().totals).toMatchObject({ pycs: 4 });
    expect(await verify(tree)).toEqual(asBuilt);
  });
});

describe('--remove-sources', () => {
  it('warns if the manifest of an earlier run is replaced, whose sources are gone', async () => {
    const { tree, at, build, verify, manifest } = application();
    const count = '3 pycs of earlier runs no longer listed, although the buildroot has them: use --append';
    const warning = `pyclink: warning: ${at('m.json')}: ${count}\n`;
    expect(await build()).toEqual(quiet);
    expect(await build('--remove-sources')).toEqual(quiet);
    plant(tree, { 'shop/till.py': 'total = 0\n' });
    const complete = readFileSync(at('m.json'));
    expect(await build('--remove-sources')).toEqual({ ...quiet, stderr: warning });
    expect(manifest().totals).toMatchObject({ pycs: 1 });
    writeFileSync(at('m.json'), complete);
    plant(tree, { 'shop/sum.py': 'total = 0\n' });
    expect(await build('--remove-sources', '--append')).toEqual(quiet);
    writeFileSync(at('m.json'), 'no manifest');
    plant(tree, { 'shop/names.py': 'total = 0\n' });
    expect(await build('--remove-sources')).toEqual(quiet);
    expect(await verify(tree)).toMatchObject({ status: 1 });
  });

  it('does not remove other files, sources that do not compile, and what a pyc cannot replace', async () => {
    const { tree, at, build } = application({
      'shop/bad.py': 'def (:\n',
      'shop/alias.py': { symlink: 'cart.py' },
      'other/kept.py': 'x = 1\n',
      'shop/template.py': 'x = 1\n',
      'shop/tool.py': { content: '#!/bin/sh\n', mode: 0o755 },
      'shop/gunicorn.conf.py': 'bind = 1\n',
    });
    const args = ['build', '--buildroot', tree, '/shop', '--layout', 'zip', '--remove-sources'];
    const dry = await pyclink([...args, '--exclude', '**/template.py', '--dry-run']);
    expect(dry.stdout).toContain('would remove 2 sources\n');
    expect(existsSync(join(tree, 'shop/cart.py'))).toBe(true);
    const manifest = at('kept.json');
    const ran = await pyclink([...args, '--exclude', '**/template.py', '--manifest', manifest]);
    expect(ran).toMatchObject({ status: 1, stdout: expect.stringContaining('pyclink: 1 source removed\n') });
    for (const line of [
      'alias.py: source not removed: it is a symlink',
      'cart.py: source not removed: a symlink leads to it',
      'tool.py: source not removed: it is an executable script',
      'gunicorn.conf.py: source not removed: its name contains a dot, so no import loads its pyc',
    ]) {
      expect(ran.stderr).toContain(`warning: /shop/${line}\n`);
      expect(dry.stderr).toContain(`warning: /shop/${line}\n`);
    }
    const { skipped } = JSON.parse(readFileSync(manifest, 'utf8')) as Manifest;
    expect(skipped.map(({ path, reason }) => [path, reason])).toEqual([
      ['/shop/alias.py', 'source-is-symlink'],
      ['/shop/bad.py', 'does-not-compile'],
      ['/shop/cart.py', 'source-is-target'],
      ['/shop/gunicorn.conf.py', 'source-not-importable'],
      ['/shop/template.py', 'excluded'],
      ['/shop/tool.py', 'source-is-script'],
    ]);
    expect(everythingIn(tree).filter((name) => name.endsWith('.py'))).toEqual([
      '__main__.py',
      'other/kept.py',
      'shop/alias.py',
      'shop/bad.py',
      'shop/cart.py',
      'shop/gunicorn.conf.py',
      'shop/template.py',
      'shop/tool.py',
    ]);
    expect(await build('--errors', 'warn', '--remove-sources')).toMatchObject({ status: 0 });
    expect(existsSync(join(tree, 'shop/bad.py'))).toBe(true);
    expect(existsSync(at('m.json'))).toBe(true);
  });

  it('removes the lines of RECORD, and lists the pycs', async () => {
    const record = 'shop/__init__.py,sha256=x,0\nshop/cart.py,,\nshop/prices.json,,\nshop-1.dist-info/RECORD,,\n';
    const { tree, build } = application({ 'shop-1.dist-info/INSTALLER': 'pip\n', 'shop-1.dist-info/RECORD': record });
    const kept = 'shop/prices.json,,\nshop-1.dist-info/RECORD,,\n';
    expect(await build('--remove-sources')).toEqual(quiet);
    expect(readFileSync(join(tree, 'shop-1.dist-info/RECORD'), 'utf8')).toBe(
      `${kept}shop/__init__.pyc,,\nshop/cart.pyc,,\n`,
    );
  });

  it('leaves nothing but pycs that are read, with --prune', async () => {
    const { tree, build, verify } = application();
    await pyclink(['build', '-q', '--buildroot', tree, '/']);
    expect(await build('--remove-sources', '--prune')).toMatchObject({ status: 0 });
    const files = everythingIn(tree).filter((name) => /\.\w+$/.test(name));
    expect(files).toEqual(['__main__.pyc', 'shop/__init__.pyc', 'shop/cart.pyc', 'shop/prices.json']);
    expect(await verify(tree)).toEqual(asBuilt);
  });

  it('needs a PATH in the running system', async () => {
    const ran = await pyclink(['build', '--in-place', '--layout', 'zip', '--remove-sources']);
    expect(ran).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--remove-sources: needs a PATH with --in-place'),
    });
  });
});
