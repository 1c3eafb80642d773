/** Interpreters that are found, not named, and that another user could exchange: they are not started. */
import { existsSync, lchownSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { everythingIn, plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { bundle, pyclink, type RunOptions } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingRoot, missingTools } from './helpers/tools.ts';

const foreignUser = 12_345;
const plainPath = { PATH: '/usr/bin:/bin' };
const pyc = `__pycache__/shop.${systemPython.cacheTag}.pyc`;

/** Gives everything in a directory to another user. */
function giveAway(directory: string): void {
  for (const path of ['', ...everythingIn(directory)]) lchownSync(join(directory, path), foreignUser, foreignUser);
}

/** Another user's environment whose Python is a script of that user. It leaves a file where it runs. */
function plantForeign(top: string, name: string): { readonly path: string; readonly hasRun: () => boolean } {
  const path = join(top, name);
  const trace = join(top, `${name}.has-run`);
  const script = { content: `#!/bin/sh\n: >${trace}\nexec ${systemPython.executable} "$@"\n`, mode: 0o755 };
  plant(path, { 'pyvenv.cfg': '', 'bin/python': script, 'bin/python3': script, 'shop.py': 'pass\n' });
  giveAway(path);
  return { path, hasRun: () => existsSync(trace) };
}

const inPlace = (args: readonly string[], { env, ...options }: RunOptions = {}) =>
  pyclink(['build', '-q', '--in-place', ...args], { ...options, env: { ...plainPath, ...env } });

describeWith(missingRoot(), "another user's interpreter", () => {
  it("is skipped in that user's environment, as the exit status and the manifest show", async () => {
    const top = temporaryDirectory();
    const { path, hasRun } = plantForeign(top, 'foreign');
    plant(top, { 'app/shop.py': 'pass\n' });
    const manifest = join(top, 'manifest.json');
    const ran = await inPlace([path, join(top, 'app'), '--manifest', manifest]);
    expect(hasRun()).toBe(false);
    const reason = `${path}/bin/python is not started: ${path} belongs to user ${foreignUser}`;
    expect(ran).toEqual({
      status: 1,
      stdout: expect.stringContaining('1 problem, see above'),
      stderr:
        `pyclink: error: 1 source skipped: ${reason}; ` +
        'name it with --python PATH to use it anyway, or run as its owner\n',
    });
    expect(JSON.parse(readFileSync(manifest, 'utf8')).skipped).toEqual([
      { path: join(path, 'shop.py'), reason: 'untrusted-interpreter', message: reason },
    ]);
    expect(existsSync(join(path, '__pycache__'))).toBe(false);
    expect(existsSync(join(top, 'app', pyc))).toBe(true);
  });

  it('is started if its path is given, and by its user', async () => {
    const { path, hasRun } = plantForeign(temporaryDirectory(), 'foreign');
    const python = join(path, 'bin/python');
    expect(await inPlace(['--python', python, path])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(hasRun()).toBe(true);
    const own = temporaryDirectory();
    plantForeign(own, 'own');
    await execa('chown', [`${foreignUser}`, own]);
    const ran = await inPlace([join(own, 'own')], { uid: foreignUser });
    expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('is replaced by the named one', async () => {
    const { path, hasRun } = plantForeign(temporaryDirectory(), 'foreign');
    const ran = await inPlace(['--python', '/usr/bin/python3', path]);
    expect(hasRun()).toBe(false);
    expect(ran.status).toBe(0);
    expect(ran.stderr).toBe(
      `pyclink: warning: ${path}/bin/python is not started: ${path} belongs to user ${foreignUser}\n`,
    );
    expect(existsSync(join(path, pyc))).toBe(true);
  });

  it("is the system's if that user's environment leads to it", async () => {
    const path = join(temporaryDirectory(), 'foreign');
    await execa('/usr/bin/python3', ['-m', 'venv', '--without-pip', path]);
    plant(path, { 'shop.py': 'pass\n' });
    giveAway(path);
    expect(await inPlace([path])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(join(path, pyc))).toBe(true);
  });

  it('is skipped if it is a copy next to its own library', async () => {
    const top = temporaryDirectory();
    const { path, hasRun } = plantForeign(top, 'foreign');
    await execa('/usr/bin/python3', ['-m', 'venv', '--without-pip', '--copies', join(top, 'copy')]);
    plant(top, { 'copy/shop.py': 'pass\n', 'copy/pyvenv.cfg': `home = ${path}/bin\n` });
    const ran = await inPlace([join(top, 'copy')]);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain(`${top}/copy/bin/python is not started: ${path} belongs to user ${foreignUser}`);
    expect(hasRun()).toBe(false);
  });

  it('is skipped as the active environment and on PATH', async () => {
    const top = temporaryDirectory();
    const { path, hasRun } = plantForeign(top, 'foreign');
    plant(top, { 'app/shop.py': 'pass\n' });
    const active = await inPlace([join(top, 'app')], { env: { VIRTUAL_ENV: path } });
    expect(active.status).toBe(1);
    expect(active.stderr).toContain(`${path}/bin/python is not started`);
    const onPath = await inPlace([join(top, 'app')], { env: { PATH: `${path}/bin:/usr/bin` } });
    expect(onPath).toEqual({
      status: 0,
      stdout: '',
      stderr: `pyclink: warning: ${path}/bin/python3 is not started: ${path} belongs to user ${foreignUser}\n`,
    });
    expect(existsSync(join(top, 'app', pyc))).toBe(true);
    expect(hasRun()).toBe(false);
  });

  it('is missing if it is the only interpreter of a staged directory', async () => {
    const top = temporaryDirectory();
    const script = { content: `#!/bin/sh\n: >${top}/has-run\nexec ${systemPython.executable} "$@"\n`, mode: 0o755 };
    plant(top, { 'foreign/python3.77': script, 'root/usr/lib/python3.77/shop.py': 'pass\n' });
    giveAway(join(top, 'foreign'));
    const ran = await pyclink(['build', '--buildroot', join(top, 'root')], { env: { PATH: `${top}/foreign` } });
    expect(ran).toEqual({
      status: 2,
      stdout: '',
      stderr:
        `pyclink: error: no working python3.77: ${top}/foreign/python3.77 is not started: ` +
        `${top}/foreign belongs to user ${foreignUser}\n` +
        '    hint: name it with --python PATH to use it anyway, or run as its owner\n',
    });
    expect(existsSync(join(top, 'has-run'))).toBe(false);
  });
});

describeWith(missingRoot(), 'a user namespace in which the system has no owner', () => {
  it("uses the system's interpreters all the same", async () => {
    const top = temporaryDirectory();
    plant(top, { 'app/shop.py': 'pass\n' });
    await execa('chown', ['-R', `${foreignUser}`, top]);
    const asUser = { uid: foreignUser, gid: foreignUser, env: plainPath, extendEnv: false, reject: false };
    const { failed } = await execa('unshare', ['--map-root-user', 'true'], asUser);
    if (failed) return;
    const program = [process.execPath, bundle, 'build', '-q', '--in-place', join(top, 'app')];
    const ran = await execa('unshare', ['--map-root-user', ...program], { ...asUser, all: true });
    expect(ran).toMatchObject({ exitCode: 0, all: '' });
    expect(existsSync(join(top, 'app', pyc))).toBe(true);
  });
});

describeWith([...missingRoot(), ...missingTools('flock', 'xz', 'zstd', 'bzip2', 'rpm', 'dpkg-deb')], 'PATH', () => {
  it("does not search other users' directories or the current one for programs", async () => {
    const top = temporaryDirectory();
    const names = ['flock', 'mkfifo', 'rpm', 'rpm2archive', 'dpkg-deb', 'xz', 'zstd', 'bzip2', 'python3', 'chroot'];
    for (const name of names) {
      plant(top, { [`foreign/${name}`]: { content: `#!/bin/sh\n: >${top}/${name}.has-run\n`, mode: 0o755 } });
    }
    giveAway(join(top, 'foreign'));
    plant(top, { 'root/usr/lib/python3/dist-packages/shop.py': 'def f(): pass\n' });
    const options = { cwd: join(top, 'foreign'), env: { PATH: `${top}/foreign:.::/usr/bin:/bin` } };
    const manifest = ['--manifest', join(top, 'm.json'), '--append'];
    const tree = ['--buildroot', join(top, 'root')];
    const silent = { status: 0, stdout: '', stderr: '' };
    expect(await pyclink(['build', '-q', '--no-link', ...tree, ...manifest], options)).toEqual(silent);
    expect(await pyclink(['link', ...tree, ...manifest], options)).toMatchObject({ status: 0, stderr: '' });
    for (const suffix of ['xz', 'bz2', 'zst']) {
      await execa('tar', ['-caf', join(top, `a.tar.${suffix}`), '-C', join(top, 'root'), '.']);
      expect((await pyclink(['audit', join(top, `a.tar.${suffix}`)], options)).stderr).toBe('');
    }
    for (const [name, text] of [
      ['a.rpm', '\xed\xab\xee\xdb'],
      ['a.deb', '!<arch>\n'],
    ] as const) {
      plant(top, { [name]: Buffer.from(text.padEnd(200, '\0'), 'latin1') });
      expect((await pyclink(['audit', join(top, name)], options)).status).toBe(3);
    }
    expect(everythingIn(top).filter((name) => name.endsWith('.has-run'))).toEqual([]);
  });
});
