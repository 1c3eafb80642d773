/** Builds a root file system with its own interpreter: `--chroot`. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa, execaSync } from 'execa';
import { beforeAll, expect, it } from 'vitest';
import { contentsOf, linkGroupsIn, plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { bundle, pyclink, type RunOptions } from '../test/helpers/pyclink.ts';
import { worlds } from '../test/helpers/worlds.ts';
import { describeInWorld } from './helpers/in-world.ts';

const world = worlds.trixie;
const [minor, tag] = ['3.13', 'cpython-313'];
const library = `/usr/lib/python${minor}`;
const sourceText = 'def pay(sum):\n    """Docs."""\n    assert sum > 0\n    return [sum, "sum", (1.5, None)]\n';
const env = { PATH: '/usr/bin:/bin' };

describeInWorld('trixie', 'build --chroot', () => {
  let template: string;

  /** A root file system with an interpreter, what it needs to start, and some sources. */
  beforeAll(async () => {
    template = mkdtempSync(join(realpathSync(tmpdir()), 'pyclink-chroot-'));
    for (const [link, target] of ['bin', 'lib', 'lib64'].map((name) => [name, `usr/${name}`] as const)) {
      mkdirSync(join(template, target), { recursive: true });
      symlinkSync(target, join(template, link));
    }
    const { stdout } = await execa('chroot', [world.root, 'ldd', `/usr/bin/python${minor}`]);
    const libraries = Array.from(stdout.matchAll(/\/\S+/g), ([path]) => path);
    for (const path of [...libraries, `/usr/bin/python${minor}`]) {
      mkdirSync(join(template, dirname(path)), { recursive: true });
      await execa('cp', ['-L', join(world.root, path), join(template, path)]);
    }
    await execa('cp', ['-r', join(world.root, library), join(template, dirname(library))]);
    execaSync('find', [template, '-name', '__pycache__', '-prune', '-exec', 'rm', '-r', '{}', '+']);
    // As in a system whose own python3 is another one.
    symlinkSync(`/usr/bin/python${minor}`, join(template, 'usr/bin/python3'));
    plant(template, { '/opt/app/shop.py': sourceText, '/opt/app/absolute.py': { symlink: '/opt/app/shop.py' } });
    return () => execaSync('rm', ['-rf', template]);
  }, 60_000);

  async function copyOfTemplate(): Promise<string> {
    const buildroot = temporaryDirectory();
    await execa('cp', ['-a', `${template}/.`, buildroot]);
    chmodSync(buildroot, 0o755);
    return buildroot;
  }

  const build = (buildroot: string, args: readonly string[], options: RunOptions = {}) =>
    pyclink(['build', '-q', '--buildroot', buildroot, ...args], { env, ...options });

  const paths = [`${library}/json`, `${library}/asyncio`, '/opt/app'];

  it('ends with status 3 if an interpreter of the buildroot changes during the build', async () => {
    const buildroot = await copyOfTemplate();
    const python = join(buildroot, `usr/bin/python${minor}`);
    renameSync(python, `${python}-real`);
    const options = '["-X", "dev"] if open("/starts").read() != "1" else []';
    const script = [
      `#!/usr/bin/python${minor}-real`,
      'import os, sys',
      'open("/starts", "a").write("1")',
      `os.execv(sys.executable, [sys.executable, *(${options}), *sys.argv[1:]])`,
    ];
    writeFileSync(python, script.join('\n'), { mode: 0o755 });
    expect(await build(buildroot, ['--chroot', '-j', '2', ...paths])).toEqual({
      status: 3,
      stdout: '',
      stderr: expect.stringMatching(
        /: the interpreter changed during the build: it is a different Python 3\.13\.\d+, /,
      ),
    });
  });

  it('is hinted at if only the buildroot has the interpreter', async () => {
    const buildroot = await copyOfTemplate();
    // A release that no machine has.
    for (const parent of ['lib', 'bin'].map((name) => join(buildroot, 'usr', name))) {
      renameSync(join(parent, `python${minor}`), join(parent, 'python3.99'));
    }
    expect(await build(buildroot, ['/usr/lib/python3.99/json'])).toEqual({
      status: 2,
      stdout: '',
      stderr: 'pyclink: error: no working python3.99\n    hint: the buildroot contains one: --chroot runs it there\n',
    });
  });

  it('gives the same bytes, modes and links as the same interpreter outside', async () => {
    const [inside, outside] = [await copyOfTemplate(), await copyOfTemplate()];
    expect(await build(inside, ['--chroot', ...paths])).toEqual({ status: 0, stdout: '', stderr: '' });
    const named = join(world.root, '../bin/trixie', `python${minor}`);
    expect(await build(outside, ['--python', named, ...paths])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(contentsOf(inside)).toEqual(contentsOf(outside));
    expect(linkGroupsIn(inside)).toEqual(linkGroupsIn(outside));
    expect(contentsOf(inside)).toHaveProperty([`opt/app/__pycache__/absolute.${tag}.opt-1.pyc`]);
  });

  it('gives the same with threads, and with a cache, which it does not use', async () => {
    const [one, many] = [await copyOfTemplate(), await copyOfTemplate()];
    await build(one, ['--chroot', '-j1', ...paths]);
    const ran = await pyclink(
      ['build', '--json', '--chroot', '-j8', '--buildroot', many, '--cache-dir', `${many}.cache`, ...paths],
      { env },
    );
    expect(ran.status).toBe(0);
    const { sources, cache } = JSON.parse(ran.stdout);
    expect(cache).toMatchObject({ compiled: sources, uncached: { 'compiled in a chroot': sources } });
    execaSync('rm', ['-r', `${many}.cache`]);
    expect(contentsOf(many)).toEqual(contentsOf(one));
  });

  it('uses a user namespace if the user is not root', async () => {
    const buildroot = await copyOfTemplate();
    execaSync('chown', ['-R', '65534:65534', buildroot]);
    const namespaces = await execa('unshare', ['--map-root-user', 'true'], { uid: 65_534, gid: 65_534, reject: false });
    const ran = await build(buildroot, ['--chroot', ...paths], { uid: 65_534 });
    if (namespaces.failed) expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining('unshare') });
    else expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it.each(['the interpreter', 'the tree'])(
    'starts nothing if %s belongs to another user, except by its path',
    async (what) => {
      const buildroot = await copyOfTemplate();
      const foreign = what === 'the tree' ? buildroot : `${buildroot}/usr/bin/python${minor}`;
      chownSync(foreign, 12_345, 12_345);
      const program = `${buildroot}/usr/bin/python${minor}`;
      const ran = await build(buildroot, ['--chroot', `${library}/json`]);
      expect(ran).toEqual({
        status: 2,
        stdout: '',
        stderr:
          `pyclink: error: no working python${minor}: ${program} is not started: ${foreign} belongs to user 12345\n` +
          '    hint: name it with --python PATH to use it anyway, or run as its owner\n',
      });
      const named = await build(buildroot, ['--chroot', '--python', `/usr/bin/python${minor}`, `${library}/json`]);
      expect(named).toEqual({ status: 0, stdout: '', stderr: '' });
    },
  );

  it('compiles mounted file systems in the tree, but not those of the kernel', async () => {
    const buildroot = await copyOfTemplate();
    const places = ['dev', 'proc', 'srv/other', 'srv/proc'].map((name) => join(buildroot, name));
    for (const place of places) mkdirSync(place, { recursive: true });
    const commands = [
      'mount -t tmpfs none "$0/dev"; mount -t proc none "$0/proc"; mount -t proc none "$0/srv/proc"',
      'mount -t tmpfs none "$0/srv/other"',
      `for top in "$0/dev" "$0/srv/other"; do mkdir -p $top/lib/python${minor}; echo 'x = 1' >$top/lib/python${minor}/x.py; done`,
      '"$@"',
      'find "$0/dev" "$0/srv/other" -name "*.pyc" | LC_ALL=C sort -r',
      'rm -rf "$0"/srv/other/lib/python*/__pycache__',
    ];
    const inNamespace = async (...args: string[]) => {
      const program = [process.execPath, bundle, 'build', '-q', '--buildroot', buildroot, ...args];
      const words = ['--mount', 'sh', '-e', '-c', commands.join('\n'), buildroot, ...program];
      return (await execa('unshare', words, { reject: false, all: true })).all;
    };
    const compiled = ['', '.opt-2', '.opt-1']
      .map((level) => `${buildroot}/srv/other/lib/python${minor}/__pycache__/x.${tag}${level}.pyc`)
      .join('\n');
    expect(await inNamespace('--chroot', '--exclude', '/usr')).toBe(compiled);
    const named = ['--python', join(world.root, '../bin/trixie', `python${minor}`)];
    expect(await inNamespace('--exclude', '/usr', ...named)).toBe(compiled);
  });

  it('compiles a /usr on its own file system', async () => {
    const buildroot = await copyOfTemplate();
    renameSync(join(buildroot, 'usr'), join(buildroot, 'usr.template'));
    mkdirSync(join(buildroot, 'usr'));
    const commands = [
      'mount -t tmpfs -o mode=755 none "$0/usr"; cp -a "$0/usr.template/." "$0/usr"; rm -r "$0/usr.template"',
      '"$@"',
      `ls "$0/usr/lib/python${minor}/json/__pycache__"`,
    ];
    const program = [process.execPath, bundle, 'build', '-q', '--chroot', '-o', '0', '--buildroot', buildroot];
    const words = ['--mount', 'sh', '-e', '-c', commands.join('\n'), buildroot, ...program];
    const { exitCode, all } = await execa('unshare', words, { reject: false, all: true });
    expect(exitCode).toBe(0);
    expect(all?.split('\n')).toContain(`decoder.${tag}.pyc`);
  });

  it('compiles a bundle with the interpreter beside its library', async () => {
    const buildroot = await copyOfTemplate();
    const bundled = join(buildroot, 'opt/acme');
    mkdirSync(join(bundled, 'bin'), { recursive: true });
    // As a bundle has it: of no release that the system has.
    for (const name of [`python${minor}`])
      await execa('cp', ['-a', join(buildroot, 'usr/bin', name), join(bundled, 'bin')]);
    await execa('cp', ['-a', join(buildroot, 'usr/lib'), bundled]);
    rmSync(join(buildroot, 'usr/bin'), { recursive: true });
    mkdirSync(join(buildroot, 'usr/bin'));
    const { status, stderr } = await pyclink(
      ['build', '--buildroot', buildroot, '--chroot', `/opt/acme/lib/python${minor}/json`],
      { env },
    );
    expect(stderr).toContain(`with /opt/acme/bin/python${minor} `);
    expect(status).toBe(0);
    expect(contentsOf(join(bundled, `lib/python${minor}/json`))).toHaveProperty([`__pycache__/decoder.${tag}.pyc`]);
    for (const [target, why] of [
      ['/opt/nothing', `bin/python${minor} is a dangling symlink`],
      ['../not-python', 'not-python does not start ('],
    ] as const) {
      renameSync(join(bundled, 'bin', `python${minor}`), join(buildroot, `usr/bin/python${minor}`));
      writeFileSync(join(bundled, 'not-python'), '#!/nothing\n', { mode: 0o755 });
      symlinkSync(target, join(bundled, 'bin', `python${minor}`));
      const broken = await build(buildroot, ['--chroot', `/opt/acme/lib/python${minor}/json`]);
      expect(broken).toMatchObject({ status: 0 });
      expect(broken.stderr).toContain(`warning: /opt/acme/${why}`);
      expect(broken.stderr).toContain(`: /usr/bin/python${minor} is used instead`);
      rmSync(join(bundled, 'bin', `python${minor}`));
      renameSync(join(buildroot, `usr/bin/python${minor}`), join(bundled, 'bin', `python${minor}`));
    }
  });

  it.each([
    ['/usr/bin/env', 'is a dangling symlink'],
    ['../lib', 'is not a file'],
  ])('names the interpreter if it leads to %s and nothing replaces it', async (target, why) => {
    const buildroot = temporaryDirectory();
    plant(buildroot, {
      'usr/bin/python3': { symlink: target },
      'usr/bin/python3.77': { symlink: target },
      'usr/lib/python3.77/m.py': '',
      'srv/m.py': '',
    });
    const { status, stderr } = await build(buildroot, ['--chroot', '/usr/lib/python3.77', '/srv']);
    expect(status).toBe(2);
    for (const name of ['python3', 'python3.77']) {
      expect(stderr).toContain(`no working ${name}: /usr/bin/${name} ${why}`);
    }
  });

  it('names the interpreter and where it is', async () => {
    const buildroot = await copyOfTemplate();
    const { stderr } = await pyclink(['build', '--buildroot', buildroot, '--chroot', '/opt/app'], { env });
    expect(stderr).toMatch(/compiling 2 sources with \/usr\/bin\/python3\.13 \(Python 3\.13\.\d+\) in \//);
    expect(stderr).toContain(` in ${buildroot}, levels 0 1 2\n`);
  });

  it.each([
    ['an interpreter that is not there', ['--chroot', '--python', '/opt/python'], 'no working /opt/python'],
    ['an interpreter of the running system', ['--chroot', '--python', 'perl'], 'no working perl'],
    ['a running system', ['--chroot', '--in-place'], '--chroot: conflicts with --in-place'],
    [
      'a buildroot that will lie elsewhere',
      ['--chroot', '-p', '/usr'],
      '--chroot: needs a buildroot that will be installed at /',
    ],
  ])('refuses %s', async (_, flags, message) => {
    const root = flags.includes('--in-place') ? [] : ['--buildroot', template];
    const ran = await pyclink(['build', ...root, ...flags, '/opt/app'], { env });
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain(message);
  });
});
