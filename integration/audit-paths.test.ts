/** Where audit takes a directory to lie: the paths that pycs should record follow from that. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { plant, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { built } from './helpers/faulty-tree.ts';

const { cacheTag, executable, minor } = systemPython;
const site = `lib/python${minor}/site-packages`;

/** Compiles a directory as people do, and says which path the pyc of the module `till` in it records. */
async function compiled(directory: string, ...args: string[]): Promise<string> {
  await execa(executable, ['-m', 'compileall', '-q', ...args, directory], { env: { PYTHONDONTWRITEBYTECODE: '' } });
  const script = 'import marshal, sys; print(marshal.loads(open(sys.argv[1], "rb").read()[16:]).co_filename)';
  const pyc = join(directory, site, `__pycache__/till.${cacheTag}.pyc`);
  return (await execa(executable, ['-c', script, pyc])).stdout;
}

/** What audit says of the paths that the pycs of a directory record. */
async function leaks(directory: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await pyclink(['audit', '--json', '--only', 'leaks-path', ...args, directory]);
  const { findings } = JSON.parse(stdout) as { findings: { detail: string }[] };
  return findings.map(({ detail }) => detail);
}

/** A prefix with one module. */
const prefixAt = (directory: string, more = {}) =>
  plant(directory, { [`/${site}/till.py`]: 'def pay(sum):\n    return sum\n', ...more });

describe('audit of a part of a system', () => {
  it('reports the same for all parts with the pycs', async () => {
    const tree = await built();
    const shared = '/usr/lib/python3/dist-packages/shop';
    plant(tree.buildroot, { '/usr/lib/python3/dist-packages/bare.py': '' });
    renameSync(join(tree.buildroot, tree.directory), join(tree.buildroot, shared));
    const whole = await tree.audit('-v');
    expect(whole.stdout).toContain('leaks-path: 9: ');
    expect(whole.stdout).toContain('pyclink: 1 of 4 modules without bytecode\n');
    for (const part of ['/usr', '/usr/lib', '/usr/lib/python3', '/usr/lib/python3/dist-packages']) {
      expect((await pyclink(['audit', '-v', join(tree.buildroot, part)])).stdout).toBe(whole.stdout);
    }
  });

  it('treats a staged virtual environment as installed', async () => {
    const root = temporaryDirectory();
    prefixAt(join(root, 'opt/venv'), { '/pyvenv.cfg': `home = /usr/bin\n` });
    expect(await compiled(join(root, 'opt/venv'), '-s', root, '-p', '/')).toBe(`/opt/venv/${site}/till.py`);
    for (const part of ['', '/opt', '/opt/venv', '/opt/venv/lib', `/opt/venv/${site}`]) {
      expect([part, await leaks(root + part)]).toEqual([part, []]);
    }
  });

  it('treats a prefix as installed', async () => {
    const prefix = temporaryDirectory();
    prefixAt(prefix);
    expect(await compiled(prefix)).toBe(join(prefix, site, 'till.py'));
    for (const part of ['', '/lib', `/${site}`]) expect([part, await leaks(prefix + part)]).toEqual([part, []]);
  });

  it('finds nothing wrong with an application whose packages are named as top-level directories', async () => {
    const module = 'a = 1\n';
    const root = plantBuildroot({ '/manage.py': module, '/app/views.py': module, '/home/views.py': module });
    await execa(executable, ['-m', 'compileall', '-q', root], { env: { PYTHONDONTWRITEBYTECODE: '' } });
    expect(await leaks(root)).toEqual([]);
    await execa('zip', ['-qr', '../shop.zip', '.'], { cwd: root });
    expect(await leaks(join(root, '../shop.zip'))).toEqual([]);
  });

  it('finds the old path of an environment that was copied to the root of a system', async () => {
    const root = plantBuildroot({ '/usr/share/shop/cart.py': 'a = 1\n' });
    prefixAt(join(root, 'venv'));
    await compiled(join(root, 'venv'), '-s', join(root, 'venv'), '-p', '/build/venv');
    const tar = join(root, '../layer.tar');
    await execa('tar', ['-C', root, '-cf', tar, '.']);
    for (const target of [root, tar]) expect(await leaks(target)).toEqual([`it records /build/venv/${site}/till.py`]);
  });

  it('finds paths that match no place', async () => {
    const prefix = temporaryDirectory();
    prefixAt(prefix);
    expect(await compiled(prefix, '-d', '/build')).toBe(`/build/${site}/till.py`);
    expect(await leaks(prefix)).toEqual([`it records /build/${site}/till.py`]);
    const root = plantBuildroot({});
    prefixAt(join(root, 'opt/acme'));
    const recorded = await compiled(join(root, 'opt/acme'));
    expect(await leaks(root)).toEqual([`it records ${recorded}`]);
  });

  it('finds the buildroot in private directories too', async () => {
    const root = plantBuildroot({ '/usr/share/shop/till.py': 'a = 1\n' });
    await execa(executable, ['-m', 'compileall', '-q', root], { env: { PYTHONDONTWRITEBYTECODE: '' } });
    expect(await leaks(root)).toEqual([`it records ${root}/usr/share/shop/till.py`]);
    await execa(executable, ['-m', 'compileall', '-qf', '-s', root, '-p', '/', root], {
      env: { PYTHONDONTWRITEBYTECODE: '' },
    });
    for (const part of ['', '/usr/share', '/usr/share/shop'])
      expect([part, await leaks(root + part)]).toEqual([part, []]);
  });

  it('takes --prepend as the place where a directory will be installed', async () => {
    const prefix = temporaryDirectory();
    prefixAt(prefix);
    await compiled(prefix, '-s', prefix, '-p', '/opt/acme');
    expect(await leaks(prefix)).toEqual([`it records /opt/acme/${site}/till.py`]);
    expect(await leaks(prefix, '--prepend', '/opt/acme')).toEqual([]);
    expect(await leaks(prefix, '--prepend', '/opt/other')).toHaveLength(1);
  });
});
