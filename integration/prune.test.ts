/** `build --prune`: removes pycs that nobody reads, and nothing else. Python says what it reads. */
import { chmodSync, chownSync, existsSync, lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../src/manifest/schema.ts';
import { contentsOf, everythingIn, type Planted, plant, plantBuildroot } from '../test/helpers/buildroot.ts';
import { itOnEachPython, pythonsWhere } from '../test/helpers/each-python.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { missingRoot } from './helpers/tools.ts';

const { minor, cacheTag } = systemPython;
const site = `/usr/lib/python${minor}/site-packages`;
const mtime = 1_600_000_000;
const text = (content: string) => ({ content, mtime });

/** A pyc of another Python, for a source of this size. */
function pycOf(magicNumber: number, sizeBytes: number, mtimeSeconds = mtime): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(0x0a0d0000 + magicNumber);
  header.writeUInt32LE(mtimeSeconds, 8);
  header.writeUInt32LE(sizeBytes, 12);
  return Buffer.concat([header, Buffer.from('N')]);
}

const cart = '"""Docs."""\nitems = []\n';
const sources: Record<string, Planted> = {
  [`${site}/shop/__init__.py`]: text(''),
  [`${site}/shop/cart.py`]: text(cart),
  '/opt/app/till.py': text(cart),
};

async function build(buildroot: string, ...args: string[]) {
  const call = ['build', '--buildroot', buildroot, '--manifest', join(buildroot, '../m.json'), ...args];
  const ran = await pyclink(call);
  expect(ran, ran.stderr).toMatchObject({ status: 0 });
  return ran;
}

const prunedIn = ({ stdout }: { stdout: string }) =>
  (JSON.parse(stdout) as { pruned: { path: string; detail: string }[] }).pruned;

/** A tree that was built with three levels, with these files added. */
async function builtThen(added: Readonly<Record<string, Planted>>): Promise<string> {
  const buildroot = plantBuildroot(sources);
  await build(buildroot, '/');
  plant(buildroot, added);
  return buildroot;
}

const nobodys = pycOf(3495, 7);

describe('build --prune', () => {
  it.each<[what: string, path: string, planted: Planted, detail: RegExp]>([
    ['without a source', `${site}/shop/__pycache__/gone.${cacheTag}.pyc`, nobodys, /^there is no .*\/shop\/gone\.py$/],
    [
      'without a source, of a level',
      `/opt/app/__pycache__/gone.cpython-312.opt-2.pyc`,
      pycOf(3531, 7),
      /^there is no \/opt\/app\/gone\.py$/,
    ],
    [
      'of a Python that does not read the directory',
      `${site}/shop/__pycache__/cart.cpython-36.pyc`,
      pycOf(3379, cart.length),
      /^python3\.\d+ does not read the pycs of cpython-36$/,
    ],
    [
      'of a Python that may read the directory, and a source that changed',
      '/opt/app/__pycache__/till.cpython-36.pyc',
      pycOf(3495, cart.length + 1),
      /^it records 24 bytes, the source has 23$/,
    ],
    [
      'of pytest',
      `/opt/app/__pycache__/till.${cacheTag}-pytest-9.0.3.pyc`,
      nobodys,
      /^written by pytest 9\.0\.3 while testing$/,
    ],
    [
      'without a source, beside an extension module',
      `/opt/app/__pycache__/fast.${cacheTag}.pyc`,
      nobodys,
      /^there is no/,
    ],
  ])('removes a pyc %s, and says so', async (_, path, planted, detail) => {
    const buildroot = await builtThen({ [path]: planted, '/opt/app/fast.abi3.so': 'x', '/opt/app/fast.pyi': '' });
    const before = contentsOf(buildroot);
    const dry = await build(buildroot, '--prune', '--json', '--dry-run', '/');
    expect(prunedIn(dry)).toEqual([{ path, detail: expect.stringMatching(detail) }]);
    expect(dry.stderr).toContain(`pyclink: ${path}: would be removed: `);
    expect(contentsOf(buildroot)).toEqual(before);
    const ran = await build(buildroot, '--prune', '--json', '/');
    expect(prunedIn(ran)).toEqual(prunedIn(dry));
    expect(ran.stderr).toContain(`pyclink: ${path}: removed: `);
    const { [path.slice(1)]: removed, ...rest } = before;
    expect(removed).toBeDefined();
    expect(contentsOf(buildroot)).toEqual(rest);
    expect((await build(buildroot, '--prune', '/')).stdout).toContain('pyclink: 0 old pycs removed\n');
  });

  const away = join(import.meta.dirname, 'nowhere');
  it.each<[what: string, files: Record<string, Planted>]>([
    [
      'a fresh pyc of a Python that may be here',
      { '/opt/app/__pycache__/till.cpython-312.pyc': pycOf(3531, cart.length) },
    ],
    ['a pyc that Python loads without a source', { '/opt/app/plug.pyc': nobodys }],
    ['a pyc beside its source', { '/opt/app/till.pyc': nobodys }],
    ['a .pyo', { [`/opt/app/__pycache__/gone.${cacheTag}.pyo`]: nobodys }],
    ['what is no pyc', { [`/opt/app/__pycache__/gone.${cacheTag}.pyc`]: 'notes, longer than a header' }],
    ['a pyc that is cut', { [`/opt/app/__pycache__/gone.${cacheTag}.pyc`]: nobodys.subarray(0, 12) }],
    ['a file with another name', { '/opt/app/__pycache__/gone.pyc': nobodys, '/opt/app/__pycache__/a.txt': nobodys }],
    ['a pyc of an interpreter that is not known', { '/opt/app/__pycache__/gone.graalpy250-312.pyc': nobodys }],
    ['the pyc of a program', { [`/opt/app/__pycache__/tool.${cacheTag}.pyc`]: nobodys, '/opt/app/tool': '#!python' }],
    [
      'the pyc of a file with another ending',
      { [`/opt/app/__pycache__/c.${cacheTag}.pyc`]: nobodys, '/opt/app/c.cfg': '' },
    ],
    [
      'the pyc of a symlink to nothing',
      { [`/opt/app/__pycache__/s.${cacheTag}.pyc`]: nobodys, '/opt/app/s.py': { symlink: away } },
    ],
    [
      'a symlink to another file',
      { [`/opt/app/__pycache__/gone.${cacheTag}.pyc`]: { symlink: '../data' }, '/opt/app/data': 'no bytecode' },
    ],
    [
      'what a symlink leads to that stays',
      {
        [`/opt/app/__pycache__/gone.cpython-312.pyc`]: pycOf(3531, cart.length),
        [`/opt/app/__pycache__/till.cpython-312.pyc`]: { symlink: 'gone.cpython-312.pyc' },
      },
    ],
    ['a directory', { [`/opt/app/__pycache__/gone.${cacheTag}.pyc`]: { directory: true } }],
    [
      'what a symlinked directory leads to',
      { '/srv/__pycache__/gone.cpython-311.pyc': nobodys, '/opt/app/srv': { symlink: '../../srv' } },
    ],
    [
      'what a symlinked __pycache__ leads to',
      {
        '/srv/gone.cpython-311.pyc': nobodys,
        '/opt/app/sub/a.py': text(''),
        '/opt/app/sub/__pycache__': { symlink: '../../../srv' },
      },
    ],
    ['a pyc at the top of the tree', { [`/gone.${cacheTag}.pyc`]: nobodys }],
    ['a pyc outside the PATHs', { [`/opt/other/__pycache__/gone.${cacheTag}.pyc`]: nobodys }],
    ['the pyc of a source that is left out', { [`/opt/app/left/__pycache__/gone.${cacheTag}.pyc`]: nobodys }],
    [
      'the library of another Python in this one',
      {
        [`${site}/bundle/lib/python3.12/__pycache__/a.cpython-312.pyc`]: pycOf(3531, 0),
        [`${site}/bundle/lib/python3.12/a.py`]: text(''),
      },
    ],
  ])('keeps %s', async (_, files) => {
    const buildroot = await builtThen(files);
    const before = everythingIn(buildroot);
    const ran = await pyclink([
      ...['build', '--buildroot', buildroot, '--prune', '--json', '--exclude', '/opt/app/left', '/opt/app', site],
    ]);
    expect(prunedIn(ran)).toEqual([]);
    expect(everythingIn(buildroot)).toEqual(expect.arrayContaining(before));
  });

  it.each<[what: string, links: Record<string, Planted>]>([
    ['a package', { '/usr/lib/python3.12/site-packages/shop': { symlink: `${site}/shop` } }],
    ['a library', { '/opt/py/lib/python3.12': { symlink: site } }],
    ['a directory that any Python may read', { '/srv/shop': { symlink: `${site}/shop` } }],
    [
      'a __pycache__',
      {
        '/usr/lib/python3.12/site-packages/shop/cart.py': text(cart),
        '/usr/lib/python3.12/site-packages/shop/__pycache__': { symlink: `${site}/shop/__pycache__` },
      },
    ],
  ])('keeps what another Python may read through a symlink to %s', async (_, links) => {
    const pyc = `${site}/shop/__pycache__/cart.cpython-312.pyc`;
    const buildroot = await builtThen({ [pyc]: pycOf(3531, cart.length), ...links });
    expect(prunedIn(await build(buildroot, site, '--prune', '--json'))).toEqual([]);
    expect(existsSync(join(buildroot, pyc))).toBe(true);
  });

  it('with --layout zip removes pycs from a __pycache__ only if their source goes', async () => {
    const buildroot = await builtThen({ '/opt/app/__pycache__/till.cpython-312.pyc': pycOf(3531, cart.length) });
    const flags = ['/opt/app', '--layout', 'zip', '--prune', '--json'];
    expect(prunedIn(await build(buildroot, ...flags))).toEqual([]);
    const pruned = prunedIn(await build(buildroot, ...flags, '--remove-sources'));
    expect(new Set(pruned.map(({ detail }) => detail))).toEqual(new Set(['the build removes /opt/app/till.py']));
    expect(pruned).toHaveLength(4);
    expect(everythingIn(join(buildroot, 'opt/app'))).toEqual(['__pycache__', 'till.pyc']);
  });

  it('says in a dry run what would be stale once sources have their new mtimes', async () => {
    const path = '/opt/app/__pycache__/till.cpython-312.pyc';
    const buildroot = plantBuildroot({ ...sources, [path]: pycOf(3531, cart.length) });
    const env = { SOURCE_DATE_EPOCH: `${mtime - 60}` };
    for (const how of [['--dry-run'], []]) {
      const ran = await pyclink(['build', '--buildroot', buildroot, '--prune', '--json', ...how, '/opt'], { env });
      expect(prunedIn(ran).map((one) => one.path)).toEqual([path]);
      expect(existsSync(join(buildroot, path))).toBe(how.length > 0);
    }
  });

  it('removes useless symlinks and what only they lead to, as its dry run says', async () => {
    const at = (name: string) => `/opt/app/__pycache__/${name}.pyc`;
    const link = (to: string) => ({ symlink: `${to}.pyc` });
    const reasons: Record<string, [Planted, string]> = {
      [at(`gone.${cacheTag}`)]: [link(`till.${cacheTag}`), 'there is no /opt/app/gone.py'],
      [at(`lost.${cacheTag}`)]: [link('../../../../outside'), 'there is no /opt/app/lost.py'],
      [at('lost.cpython-37')]: [link('nothing'), 'there is no /opt/app/lost.py'],
      [at('lost.cpython-38')]: [link('lost.cpython-37'), 'there is no /opt/app/lost.py'],
      [at('lost.cpython-39')]: [link('/nonexistent'), 'there is no /opt/app/lost.py'],
      [at('old.cpython-37')]: [pycOf(3531, cart.length), 'there is no /opt/app/old.py'],
      [at('older.cpython-37')]: [link('old.cpython-37'), 'there is no /opt/app/older.py'],
      [at(`till.${cacheTag}.opt-1`)]: [link(`till.${cacheTag}`), 'the build does not write level 1'],
      [at(`till.${cacheTag}.opt-2`)]: [link('/nonexistent'), 'the build does not write level 2'],
      [at('till.cpython-37')]: [link('nothing'), 'a dangling symlink'],
      [at('till.cpython-38')]: [{ symlink: at('stale') }, 'it records 1 bytes, the source has 23'],
    };
    const buildroot = plantBuildroot({
      ...sources,
      ...Object.fromEntries(Object.entries(reasons).map(([path, [what]]) => [path, what])),
      [at('stale')]: pycOf(3531, 1),
      // The build replaces it by a file.
      [at(`till.${cacheTag}`)]: link('old.cpython-37'),
    });
    const expected = Object.entries(reasons).map(([path, [, detail]]) => ({ path, detail }));
    for (const how of [['--dry-run'], []]) {
      expect(prunedIn(await build(buildroot, '-o', '0', '--prune', '--json', ...how, '/opt'))).toEqual(expected);
    }
    const left = everythingIn(join(buildroot, '/opt/app/__pycache__'));
    expect(left).toEqual(['stale.pyc', `till.${cacheTag}.pyc`]);
  });

  it('names symlinks out of the tree that another Python may follow, and keeps them', async () => {
    const path = '/opt/app/__pycache__/till.cpython-37.pyc';
    const buildroot = plantBuildroot({ ...sources, [path]: { symlink: '/nonexistent.pyc' } });
    for (const how of [['--dry-run'], []]) {
      const ran = await build(buildroot, '--prune', '--json', ...how, '/opt');
      expect(prunedIn(ran)).toEqual([]);
      expect(ran.stderr).toContain(`pyclink: warning: ${path}: a symlink that points outside the buildroot\n`);
    }
    const verified = await pyclink(['verify', '--manifest', join(buildroot, '../m.json'), buildroot]);
    expect(verified.stdout).toMatch(new RegExp(`^unrecorded: ${path}: .*\npyclink: .*: 1 finding\n$`));
  });

  it('of one source leaves the pycs of others', async () => {
    const buildroot = await builtThen({ '/opt/app/other.py': text('') });
    const stale = { [`/opt/app/__pycache__/other.${cacheTag}.pyc`]: nobodys };
    plant(buildroot, stale);
    const ran = await build(buildroot, '--prune', '--json', '-o', '0', '/opt/app/till.py');
    expect(prunedIn(ran).map(({ path }) => path)).toEqual(
      ['.opt-1', '.opt-2'].map((level) => `/opt/app/__pycache__/till.${cacheTag}${level}.pyc`),
    );
    expect(existsSync(join(buildroot, Object.keys(stale)[0] ?? ''))).toBe(true);
  });

  it('without a PATH removes from Python directories only', async () => {
    const orphans = [`${site}/__pycache__/gone.${cacheTag}.pyc`, `/opt/app/__pycache__/gone.${cacheTag}.pyc`];
    const buildroot = await builtThen(Object.fromEntries(orphans.map((path) => [path, nobodys])));
    expect(prunedIn(await build(buildroot, '--prune', '--json')).map(({ path }) => path)).toEqual([orphans[0]]);
  });

  it('removes the levels that are not built any more, also from the manifest, and Python reads the rest', async () => {
    const buildroot = await builtThen({});
    const links = lstatSync(join(buildroot, site, `shop/__pycache__/cart.${cacheTag}.pyc`)).nlink;
    expect(links).toBe(2);
    const ran = await build(buildroot, '--append', '--prune', '--json', '-o', '0', '/');
    expect(prunedIn(ran).map(({ detail }) => detail)).toEqual(
      Array.from({ length: 3 }, () => ['the build does not write level 1', 'the build does not write level 2']).flat(),
    );
    const left = ['__init__', 'cart'].map((name) => `__pycache__/${name}.${cacheTag}.pyc`);
    expect(everythingIn(join(buildroot, site, 'shop')).filter((path) => path.endsWith('.pyc'))).toEqual(left);
    const manifest = JSON.parse(readFileSync(join(buildroot, '../m.json'), 'utf8')) as Manifest;
    expect([manifest.linkGroups, manifest.singlePycs.length, manifest.optimizationLevels]).toEqual([[], 3, [0]]);
    const verified = await pyclink(['verify', '--manifest', join(buildroot, '../m.json'), buildroot]);
    expect(verified).toMatchObject({ status: 0 });
    const { stderr } = await execa(systemPython.executable, ['-v', '-c', 'import shop.cart'], {
      env: { PYTHONPATH: join(buildroot, site) },
    });
    for (const path of left) expect(stderr).toContain(`code object from '${join(buildroot, site, 'shop', path)}'`);
  });

  it.each(['timestamp', 'unchecked-hash'])(
    'keeps the old pyc of a source that does not compile any more, as its dry run says: %s',
    async (mode) => {
      const buildroot = plantBuildroot(sources);
      await build(buildroot, '/opt', '--invalidation-mode', mode);
      writeFileSync(join(buildroot, '/opt/app/till.py'), 'def (\n');
      const call = ['/opt', '-o', '0', '--prune', '--json', '--errors', 'warn', '--invalidation-mode', mode];
      const dry = prunedIn(await build(buildroot, ...call, '--dry-run'));
      expect(dry.map(({ detail }) => detail)).toEqual([1, 2].map((level) => `the build does not write level ${level}`));
      const ran = await build(buildroot, ...call);
      expect(prunedIn(ran)).toEqual(dry);
      expect(ran.stderr).toContain('pyclink: warning: /opt/app/till.py: does not compile\n');
      expect(everythingIn(join(buildroot, '/opt/app/__pycache__'))).toEqual([`till.${cacheTag}.pyc`]);
    },
  );

  it('compares hashes where a pyc has one, checked or not', async () => {
    const buildroot = plantBuildroot(sources);
    for (const mode of ['checked-hash', 'unchecked-hash']) {
      await build(buildroot, '--invalidation-mode', mode, '/opt');
      const kept = await pyclink([
        'build',
        '--buildroot',
        buildroot,
        '--prune',
        '--json',
        '--exclude',
        'x',
        '-q',
        site,
      ]);
      expect(prunedIn(kept)).toEqual([]);
    }
    // Those of an interpreter that does not compile here.
    const old = join(buildroot, '/opt/app/__pycache__', `till.${cacheTag}.pyc`);
    const other = old.replace(cacheTag, 'cpython-36');
    writeFileSync(other, readFileSync(old));
    expect(prunedIn(await build(buildroot, '--prune', '--json', '/opt'))).toEqual([]);
    writeFileSync(join(buildroot, '/opt/app/till.py'), cart.replace('[]', '{}'));
    expect(prunedIn(await build(buildroot, '--prune', '--json', '/opt'))).toEqual([
      { path: other.slice(buildroot.length), detail: 'the hash of the source does not match' },
    ]);
  });

  itOnEachPython(
    'keeps what $name has compiled for itself, and it reads that',
    async ({ executable, cacheTag: tag }) => {
      const buildroot = plantBuildroot(sources);
      const app = join(buildroot, '/opt/app');
      await execa(executable, ['-m', 'compileall', '-q', app], { env: { PYTHONDONTWRITEBYTECODE: '' } });
      expect(prunedIn(await build(buildroot, '--prune', '--json', '/opt'))).toEqual([]);
      const { stderr } = await execa(executable, ['-B', '-v', '-c', 'import till'], { env: { PYTHONPATH: app } });
      expect(stderr).toMatch(new RegExp(`code object from '?"?${app}/__pycache__/till.${tag}.pyc`));
    },
    pythonsWhere((one) => `3.${one}` !== minor && one >= 8 && one <= 13),
  );

  it.skipIf(missingRoot().length > 0)(
    'names what the system does not let it remove or read, with status 1',
    async () => {
      const orphan = `/opt/app/old/__pycache__/gone.${cacheTag}.pyc`;
      const unreadable = `/opt/app/__pycache__/gone.${cacheTag}.pyc`;
      const buildroot = plantBuildroot({ '/opt/app/till.py': text(cart), [orphan]: nobodys, [unreadable]: nobodys });
      for (const path of ['..', '.', 'opt', 'opt/app']) chmodSync(join(buildroot, path), 0o755);
      for (const path of ['opt/app', 'opt/app/__pycache__']) chownSync(join(buildroot, path), 65534, 65534);
      chmodSync(join(buildroot, unreadable), 0);
      for (const how of [['--dry-run'], []]) {
        const ran = await pyclink(['build', '-q', '--buildroot', buildroot, '--prune', ...how, '/opt'], { uid: 65534 });
        expect(ran.status).toBe(1);
        const why = 'old pyc cannot be removed\n    EACCES: permission denied\n';
        expect(ran.stderr).toBe([unreadable, orphan].map((path) => `pyclink: error: ${path}: ${why}`).join(''));
        for (const path of [unreadable, orphan]) expect(statSync(join(buildroot, path)).isFile()).toBe(true);
      }
    },
  );
});
