/** Builds in the running system, as in a container image: `--in-place`. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { everythingIn, linkGroupsIn, type Planted, plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink, type RunOptions } from '../test/helpers/pyclink.ts';
import { allPypys, allPythons, systemPython } from '../test/helpers/pythons.ts';
import { describeInWorld, type InWorld, inWorld } from './helpers/in-world.ts';

/** Interpreters that make environments and are not the system's python3: those of worlds cannot. */
const others = [
  ...allPythons.filter(({ minor, name }) => minor !== systemPython.minor && name.includes('pyenv')).slice(0, 1),
  ...allPypys.filter(({ name }) => name.includes('system')),
].map((python) => ({ ...python, lib: `${python.cacheTag.startsWith('pypy') ? 'pypy' : 'python'}${python.minor}` }));
const sourceText = 'def pay(sum):\n    """Docs."""\n    assert sum > 0\n';
const plainPath = { PATH: '/usr/bin:/bin' };

const inPlace = (paths: readonly string[], options: RunOptions = {}) =>
  pyclink(['build', '-q', '--in-place', ...paths], { ...options, env: { ...plainPath, ...options.env } });

/** The names of pycs below a directory, without the levels. */
function pycsIn(directory: string): string[] {
  const names = everythingIn(directory).filter((path) => path.endsWith('.pyc') && !path.includes('.opt-'));
  return names.map((path) => path.replace('__pycache__/', '')).sort();
}

describe('build --in-place', () => {
  it('records real paths, in bytecode and manifest', async () => {
    const top = temporaryDirectory();
    plant(top, { 'app/shop.py': sourceText, link: { symlink: 'app' } });
    const manifest = join(top, 'app/manifest.json');
    const ran = await inPlace([join(top, 'link'), '--manifest', manifest]);
    expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
    const pyc = join(top, `app/__pycache__/shop.${systemPython.cacheTag}.pyc`);
    const { singlePycs } = JSON.parse(readFileSync(manifest, 'utf8'));
    expect(singlePycs.map(({ paths }: { paths: string[] }) => paths[0])).toContain(pyc);
    const program = 'import marshal, sys; print(marshal.loads(open(sys.argv[1], "rb").read()[16:]).co_filename)';
    const said = await execa(systemPython.executable, ['-c', program, pyc]);
    expect(said.stdout).toBe(join(top, 'app/shop.py'));
    expect(await pyclink(['verify', '--manifest', manifest, '/'])).toMatchObject({ status: 0 });
  });

  it('is verified in the PATH that was built', async () => {
    const top = temporaryDirectory();
    plant(top, { 'app/shop.py': sourceText, 'app/sub/till.py': sourceText });
    const manifest = join(top, 'm.json');
    expect(await inPlace([join(top, 'app'), '--manifest', manifest])).toMatchObject({ status: 0 });
    const verify = () => pyclink(['verify', '--manifest', manifest, join(top, 'app')]);
    expect(await verify()).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('6 pycs, 0 link groups: all as built'),
    });
    plant(top, { 'app/evil.pyc': readFileSync(join(top, 'app/__pycache__', `shop.${systemPython.cacheTag}.pyc`)) });
    expect(await verify()).toMatchObject({
      status: 1,
      stdout: expect.stringContaining(`unrecorded: ${top}/app/evil.pyc`),
    });
  });

  it('takes relative PATHs', async () => {
    const top = temporaryDirectory();
    plant(top, { 'app/shop.py': sourceText, 'other/till.py': sourceText });
    expect(await inPlace(['app'], { cwd: top })).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(pycsIn(top)).toEqual([`app/shop.${systemPython.cacheTag}.pyc`]);
  });

  it.each(others)('compiles an environment with its own interpreter: $name', async ({ executable, cacheTag, lib }) => {
    const top = temporaryDirectory();
    await execa(executable, ['-m', 'venv', '--without-pip', join(top, '.venv')]);
    const site = `.venv/lib/${lib}/site-packages`;
    plant(top, { 'shop.py': sourceText, [`${site}/till.py`]: sourceText, '.venv/share/tool.py': sourceText });
    expect(await inPlace([top])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(pycsIn(top)).toEqual([
      `${site}/till.${cacheTag}.pyc`,
      `.venv/share/tool.${cacheTag}.pyc`,
      // The application beside the environment runs in it.
      `shop.${cacheTag}.pyc`,
    ]);
  });

  it.each(others)('prefers $name if it is named, then an active environment, then PATH', async (other) => {
    const { executable, cacheTag, lib } = other;
    const top = temporaryDirectory();
    await execa(executable, ['-m', 'venv', '--without-pip', join(top, 'venv')]);
    mkdirSync(join(top, 'bin'));
    await execa('ln', ['-s', executable, join(top, 'bin/python3')]);
    const ways: readonly (readonly [
      string,
      readonly string[],
      Readonly<Record<string, string>>,
      string | undefined,
    ])[] = [
      ['active', [], { VIRTUAL_ENV: join(top, 'venv') }, cacheTag],
      ['path', [], { PATH: `${top}/bin:/usr/bin` }, cacheTag],
      ['named', ['--python', join(top, 'venv/bin/python')], {}, cacheTag],
      ['both', ['--python', 'python3'], { VIRTUAL_ENV: join(top, 'venv') }, systemPython.cacheTag],
      [`lib/python${systemPython.minor}`, [], { VIRTUAL_ENV: join(top, 'venv') }, systemPython.cacheTag],
      [`opt/lib/${lib}`, [], { PATH: `/usr/bin:${executable.replace(/\/[^/]*$/, '')}` }, cacheTag],
    ];
    for (const [name, flags, env, tag] of ways) {
      plant(top, { [`apps/${name}/shop.py`]: sourceText });
      expect(await inPlace([...flags, join(top, 'apps', name)], { env })).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      });
      expect(pycsIn(join(top, 'apps', name))).toEqual([`shop.${tag}.pyc`]);
    }
  });

  const broken: readonly (readonly [string, Planted, string])[] = [
    ['leads to nothing', { symlink: 'nothing' }, 'is a dangling symlink'],
    ['is not executable', { content: '', mode: 0o644 }, 'cannot be executed (EACCES)'],
    ['is a directory', { directory: true }, 'is not a file'],
    ['does not start', { content: '#!/bin/sh\nexit 9\n', mode: 0o755 }, 'does not start (exit status 9)'],
  ];
  it.each(broken)('names the interpreter beside a library or in an environment, if it %s', async (_, program, why) => {
    const top = temporaryDirectory();
    const name = `python${systemPython.minor}`;
    plant(top, {
      'bare/lib/python3.77/m.py': sourceText,
      'bare/bin/python3.77': program,
      [`own/lib/${name}/site-packages/m.py`]: sourceText,
      [`own/bin/${name}`]: program,
      [`env/lib/${name}/site-packages/m.py`]: sourceText,
      'env/bin/python': program,
      'env/pyvenv.cfg': 'home = /usr/bin\n',
      'app/m.py': sourceText,
      'app/.venv/bin/python': program,
      'app/.venv/pyvenv.cfg': 'home = /usr/bin\n',
    });
    const { executable } = systemPython;
    for (const [path, bad, used, ...more] of [
      ['own', `own/bin/${name}`, `/usr/bin/${name}`],
      ['env', 'env/bin/python', executable, '--python', executable],
      ['app', 'app/.venv/bin/python', '/usr/bin/python3'],
    ] as const) {
      const stderr = `pyclink: warning: ${top}/${bad} ${why}: ${used} is used instead\n`;
      expect(await inPlace([join(top, path), ...more])).toEqual({ status: 0, stdout: '', stderr });
      expect(pycsIn(join(top, path))).toHaveLength(1);
    }
    const said = `no working python3.77: ${top}/bare/bin/python3.77 ${why}`;
    const without = await inPlace([join(top, 'bare')]);
    expect(without).toMatchObject({ status: 2, stderr: expect.stringContaining(`${said}\n`) });
    plant(top, { 'shims/python3.77': { content: '#!/bin/sh\nexit 127\n', mode: 0o755 } });
    const shim = await inPlace([join(top, 'bare')], { env: { PATH: `${top}/shims:/usr/bin:/bin` } });
    const others = `${top}/shims/python3.77 does not start (exit status 127)`;
    expect(shim).toMatchObject({ status: 2, stderr: expect.stringContaining(`${said}; ${others}\n`) });
  });

  it('names an environment beside the PATH that lacks its interpreter, unless another one has it', async () => {
    const top = temporaryDirectory();
    plant(top, { 'src/m.py': sourceText, 'old/pyvenv.cfg': '' });
    const ran = () => inPlace([join(top, 'src')]);
    const stderr = `pyclink: warning: ${top}/old/bin/python does not exist: /usr/bin/python3 is used instead\n`;
    expect(await ran()).toEqual({ status: 0, stdout: '', stderr });
    plant(top, { 'new/pyvenv.cfg': '', 'new/bin/python': { symlink: systemPython.executable } });
    expect(await ran()).toEqual({ status: 0, stdout: '', stderr: '' });
    plant(top, { 'older/pyvenv.cfg': '' });
    expect(await ran()).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it.each([
    ['a kernel directory', ['/proc/self'], '/proc/self: is on a kernel file system'],
    ['a PATH that is not there', ['/nowhere'], '/nowhere: does not exist'],
    ['a buildroot', ['--buildroot', '/tmp'], '--in-place: conflicts with --buildroot'],
    [
      'an environment without its interpreter',
      [],
      'no working /nowhere/bin/python: /nowhere/bin/python does not exist',
    ],
    ['an interpreter that does not start', ['--python', '/bin/false'], 'no working /bin/false'],
  ])('refuses %s', async (_, args, message) => {
    const top = temporaryDirectory();
    plant(top, { 'shop.py': sourceText });
    const ran = await inPlace([...args, top], { env: { VIRTUAL_ENV: '/nowhere' } });
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain(message);
    expect(ran.stderr).not.toContain('--chroot');
    expect(pycsIn(top)).toEqual([]);
  });

  it('is hinted at if / is given as the buildroot', async () => {
    const ran = await pyclink(['build', '--buildroot', '/']);
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining('or --in-place') });
  });
});

describe('a build that finds nothing', () => {
  it('reports what it looked for, and where the nearest sources are', async () => {
    const top = temporaryDirectory();
    plant(top, { 'app/a/b/c.py': '', 'app/web.py': '', 'opt/x.py': '', 'srv/deep/er/d.py': '' });
    expect(await pyclink(['build', '--buildroot', top])).toMatchObject({
      status: 0,
      stderr:
        'pyclink: warning: nothing to compile: no .py files in a Python directory (lib/pythonX.Y, lib/python3/dist-packages, ' +
        'lib/pypy3.X); the nearest are in /app, /opt, /app/a/b: give a PATH\n',
    });
    expect(await pyclink(['build', '--buildroot', join(top, 'app')])).toMatchObject({
      stderr: expect.stringContaining('the nearest are in /, /a/b: give a PATH'),
    });
  });

  it('measures from the PATHs', async () => {
    const top = temporaryDirectory();
    plant(top, { 'srv/empty': { directory: true }, 'opt/x.py': '', 'srv/web/d.py': '' });
    expect(await pyclink(['build', '--buildroot', top, '/srv/empty'])).toMatchObject({
      status: 0,
      stderr:
        'pyclink: warning: nothing to compile: no .py files below /srv/empty; the nearest are in /srv/web, /opt: give a PATH\n',
    });
  });

  it('names each PATH without sources if others have some, unless a pattern matches it', async () => {
    const top = temporaryDirectory();
    plant(top, { 'srv/a/data': '', 'srv/b/data': '', 'srv/c/m.py': '', 'opt/tool': '', 'srv/d/n.py': '' });
    const build = (...paths: string[]) => pyclink(['build', '-q', '--buildroot', top, ...paths]);
    const said = (path: string) => `pyclink: warning: ${path}: nothing to compile: no .py files\n`;
    expect(await build('/srv/a', `${top}/srv/b`, '/srv/c', '/srv/c/m.py')).toEqual({
      status: 0,
      stdout: '',
      stderr: said('/srv/a') + said('/srv/b'),
    });
    expect(await build('/srv/*')).toMatchObject({ stderr: '' });
    expect((await build('/opt/tool', '/srv/c')).stderr).not.toContain('no .py files');
    // Files that are left out on request are there.
    expect(await build('/srv/c', '/srv/d', '--exclude', '/srv/d')).toMatchObject({ status: 0, stderr: '' });
    expect(await inPlace([join(top, 'srv/a'), join(top, 'srv/c')])).toMatchObject({ stderr: said(`${top}/srv/a`) });
  });

  it('does not search the running system for others', async () => {
    const top = temporaryDirectory();
    plant(top, { 'empty/data': '', 'near/a.py': '' });
    const place = join(top, 'empty');
    expect(await pyclink(['build', '--in-place', place])).toMatchObject({
      status: 0,
      stderr: `pyclink: warning: nothing to compile: no .py files below ${place}\n`,
    });
  });

  it('reports that there are no sources at all, or that all were skipped', async () => {
    const top = temporaryDirectory();
    const build = (...more: string[]) => pyclink(['build', '--buildroot', top, ...more]);
    expect((await build()).stderr).toContain('; and none anywhere else\n');
    plant(top, { [`usr/lib/python${systemPython.minor}/a.py`]: '' });
    expect((await build('--exclude', '*.py')).stderr).toContain('nothing to compile: 1 file skipped, see --verbose\n');
    plant(top, { 'opt/tool': '' });
    // It is named without --verbose.
    expect((await build('/opt/tool')).stderr).toMatch(/NAME\.py\n.*: nothing to compile: 1 file skipped\n$/);
  });
});

describeInWorld('trixie', 'build --in-place of a whole system', () => {
  let world: InWorld;

  beforeAll(async () => {
    world = await inWorld('trixie');
    world.stagePyclink();
    return world.remove;
  }, 120_000);

  const minor = '3.13';
  const site = `/opt/venv/lib/python${minor}/site-packages`;

  it('compiles what its interpreters and environments read, on one file system', async () => {
    await world.inside('python3', '-m', 'venv', '--without-pip', '/opt/venv');
    await world.inside('cp', '-a', '/opt/venv', '/var/lib/of-a-container');
    plant(world.directory, {
      [`${site}/shop.py`]: sourceText,
      [`var/lib/of-a-container/lib/python${minor}/site-packages/shop.py`]: sourceText,
      [`usr/local/lib/python${minor}/dist-packages/till.py`]: sourceText,
      'srv/app/a.py': sourceText,
    });
    const script = [
      'rm -rf /usr/lib/python3/dist-packages/__pycache__',
      `mkdir ${site}/mounted`,
      `mount -t tmpfs none ${site}/mounted`,
      `echo 'x = 1' >${site}/mounted/m.py`,
      // Nothing in the current directory may take the place of a module.
      'mkdir /srv/cwd; cd /srv/cwd; for name in site sysconfig; do echo "raise SystemExit(1)" >$name.py; done',
      'mkdir /opt/disk; mount -t tmpfs none /opt/disk',
      'pyclink build --in-place 2>&1',
      `ls ${site}/mounted`,
    ];
    const { stdout } = await world.inside('sh', '-e', '-c', script.join('\n'));
    expect(stdout).toMatch(/\nm\.py$/);
    // What it passes over it says.
    const passedOver = stdout.match(
      /^.*: not searched: it is on another file system; name it as a PATH to include it$/gm,
    );
    expect(passedOver).toEqual(
      ['/opt/disk', `${site}/mounted`].map((path) => expect.stringMatching(`^pyclink: ${path}: not searched`)),
    );
    expect(pycsIn(join(world.directory, 'opt'))).toEqual([
      `venv/lib/python${minor}/site-packages/shop.cpython-313.pyc`,
    ]);
    expect(pycsIn(join(world.directory, 'usr/local'))).toEqual([
      `lib/python${minor}/dist-packages/till.cpython-313.pyc`,
    ]);
    expect(pycsIn(join(world.directory, 'var/lib'))).toEqual([]);
    expect(pycsIn(join(world.directory, 'srv'))).toEqual([]);
    const library = pycsIn(join(world.directory, `usr/lib/python${minor}`));
    expect(library).toContain('os.cpython-313.pyc');
    expect(linkGroupsIn(join(world.directory, `usr/lib/python${minor}`)).length).toBeLessThan(3 * library.length);
  }, 200_000);

  it('reports an environment whose interpreter is missing, unless it is excluded', async () => {
    await world.inside('cp', '-a', '/opt/venv', '/opt/old');
    await world.inside('ln', '-sf', '/nowhere/python3', '/opt/old/bin/python');
    const ran = await world.attempt('pyclink', 'build', '-q', '--in-place', '--dry-run');
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr.match(/^.*\/opt\/old.*$/gm)).toEqual([
      `pyclink: error: ${site.replace('venv', 'old')}/shop.py: its interpreter is missing`,
      '    no working /opt/old/bin/python: /opt/old/bin/python is a dangling symlink',
    ]);
    // Nothing else is compiled then: there is no interpreter but that one.
    expect((await world.attempt('pyclink', 'build', '-q', '--in-place', '/opt/old')).exitCode).toBe(2);
    await world.inside('pyclink', 'build', '-q', '--in-place', '--dry-run', '--exclude', '/opt/old');
  }, 60_000);

  it('compiles the library of an interpreter that is not on PATH, and site-packages of users', async () => {
    await world.inside('cp', '-a', '/opt/venv', '/opt/spare');
    const script = [
      // As uv and conda install an interpreter: program and library below one directory.
      'mkdir -p /home/dev/.local/share/uv/python/own/bin /home/dev/.local/share/uv/python/own/lib',
      `cp -a /usr/bin/python${minor} /home/dev/.local/share/uv/python/own/bin/`,
      `cp -a /usr/lib/python${minor} /home/dev/.local/share/uv/python/own/lib/`,
      'find /home/dev -name __pycache__ -prune -exec rm -r {} +',
      'pyclink build -q --in-place --exclude /opt/old 2>&1',
    ];
    plant(world.directory, {
      [`home/dev/.local/lib/python${minor}/site-packages/mine.py`]: sourceText,
      'home/u/.local/lib/python3.4/site-packages/gone.py': sourceText,
    });
    const { stdout } = await world.inside('sh', '-e', '-c', script.join('\n'));
    expect(stdout).toContain('warning: /home/u/.local/lib/python3.4 is skipped: there is no python3.4');
    expect(pycsIn(join(world.directory, `home/dev/.local/lib/python${minor}`))).toEqual([
      'site-packages/mine.cpython-313.pyc',
    ]);
    expect(pycsIn(join(world.directory, 'home/dev/.local/share/uv/python/own/lib'))).toContain(
      `python${minor}/os.cpython-313.pyc`,
    );
    const program = ['-v', '-c', 'import json, mine'];
    const own = await world.inside(
      'env',
      'HOME=/home/dev',
      `/home/dev/.local/share/uv/python/own/bin/python${minor}`,
      ...program,
    );
    expect(own.stderr).toMatch(/matches \/home\/dev\/\.local\/share\/uv\/python\/own\/lib\/.*\/json\//);
    expect(own.stderr).toContain('site-packages/mine.py');
    expect(own.stderr).not.toMatch(/wrote|could not create|code object from '?\/(?!.*\.pyc)/);
    await world.inside('rm', '-rf', '/home/dev/.local', '/home/u', '/opt/spare');
  }, 200_000);

  it('warns if a source in site-packages does not compile; in an application it is a problem', async () => {
    plant(world.directory, { [`${site}/template.py`]: 'def {{ name }}(:\n', 'srv/bad/app.py': 'def f(:\n' });
    const exclude = ['--exclude', '/opt/old', '--exclude', '/home/eve'];
    const ran = await world.attempt('pyclink', 'build', '-q', '--in-place', ...exclude);
    expect(ran.exitCode).toBe(0);
    expect(ran.stderr).toContain(`pyclink: warning: /${site.slice(1)}/template.py: does not compile`);
    const strict = await world.attempt('pyclink', 'build', '-q', '--in-place', '--errors', 'fail', ...exclude);
    expect(strict.exitCode).toBe(1);
    expect((await world.attempt('pyclink', 'build', '-q', '--in-place', '/srv/bad')).exitCode).toBe(1);
    await world.inside('rm', '-rf', `${site}/template.py`, '/srv/bad');
  }, 200_000);

  it('prefers the virtual environment in a PATH or next to it', async () => {
    // An interpreter that can be told from the system's, though it is of the same release.
    const script = [
      'mkdir -p /srv/two/src /srv/two/more',
      'cp -a /opt/venv /srv/two/.venv',
      'for name in src more; do echo "x = 1" >/srv/two/$name/m.py; done',
      'pyclink build --in-place /srv/two/src 2>&1 | grep compiling',
      'pyclink build --in-place /srv/two 2>&1 | grep compiling',
      'cp -a /opt/venv /srv/two/other',
      'pyclink build --in-place /srv/two/src 2>&1 | grep compiling',
      'rm -rf /srv/two',
    ];
    const { stdout } = await world.inside('sh', '-e', '-c', script.join('\n'));
    const lines = stdout.split('\n').filter((line) => line.includes(' 1 source '));
    expect(lines).toEqual([
      expect.stringContaining('with /srv/two/.venv/bin/python '),
      // With two of them, python3 on PATH.
      expect.stringContaining('with /usr/bin/python3 '),
    ]);
  }, 200_000);

  it("starts no other user's interpreter, and reports it once per environment", async () => {
    const script = 'printf "#!/bin/sh\\n: >/has-run\\n" >/home/eve/venv/bin/python; chown -R 12345 /home/eve';
    await world.inside('sh', '-e', '-c', `mkdir -p /home/eve/venv/bin; touch /home/eve/venv/pyvenv.cfg; ${script}`);
    await world.inside('sh', '-c', 'chmod 755 /home/eve/venv/bin/python; ln -s python /home/eve/venv/bin/python3');
    plant(world.directory, { 'home/eve/venv/a.py': 'x = 1', 'home/eve/venv/b.py': 'x = 1' });
    const path = 'PATH=/home/eve/venv/bin:/usr/bin:/bin';
    const ran = await world.attempt('env', path, 'pyclink', 'build', '-q', '--in-place', '--exclude', '/opt/old');
    expect(ran.exitCode).toBe(0);
    const because = 'is not started: /home/eve belongs to user 12345';
    expect(ran.stderr.split('\n')).toEqual([
      `pyclink: warning: /home/eve/venv/bin/python3 ${because}`,
      `pyclink: warning: 2 sources skipped: /home/eve/venv/bin/python ${because}; name it with --python PATH to use it anyway, or run as its owner`,
    ]);
    expect((await world.attempt('test', '-e', '/has-run')).exitCode).toBe(1);
  }, 200_000);

  it.each(['', '-O', '-OO'])('after which python %s reads bytecode for every module that it imports', async (level) => {
    const levels = level === '' ? [] : [level];
    const program = 'import json, asyncio, email, shop';
    const { stderr } = await world.inside('/opt/venv/bin/python', ...levels, '-v', '-c', program);
    expect(stderr).toContain('matches /opt/venv/lib/python3.13/site-packages/shop.py');
    expect(stderr).not.toMatch(/wrote|could not create|code object from '?\/(?!.*\.pyc)/);
  });
});
