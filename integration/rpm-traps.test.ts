import { linkSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { contentsOf, everythingIn, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { allPythons, systemPython } from '../test/helpers/pythons.ts';
import { plantCanary } from './helpers/canary.ts';
import { describeRpm, groupsInRpms, manifestOf, pycs, queryRpms, rpmbuild, rpmbuilt, site } from './helpers/rpm.ts';

const text = 'def pay(price):\n    return price\n';
const cart = `${site}/shop/cart.py`;
const epoch = 1_600_000_000;
const plant = { [cart]: { content: text, mtime: epoch + 9 } };
const clamp = { clamp_mtime_to_source_date_epoch: '1' };
const cartGroup = [pycs(cart).sort()];

/** What is in a pyc's header: flags, mtime, size. */
function headerOf(buildroot: string, pyc: string): number[] {
  const bytes = readFileSync(join(buildroot, pyc));
  return [4, 8, 12].map((offset) => bytes.readUInt32LE(offset));
}

describeRpm('traps', () => {
  it.each(['debian', 'fedora'] as const)('SOURCE_DATE_EPOCH makes no pyc hash-based (%s)', async (world) => {
    const build = await rpmbuilt({ world, plant, defines: clamp, env: { SOURCE_DATE_EPOCH: `${epoch}` } });
    for (const pyc of pycs(cart)) expect(headerOf(build.buildroot, pyc)).toEqual([0, epoch, text.length]);
    expect(manifestOf(build)['invalidationModes']).toEqual(['timestamp']);
  });

  describe.each(['debian', 'fedora'] as const)('SOURCE_DATE_EPOCH that is not a time (%s)', (world) => {
    it.each(['-5', 'abc'])('"%s" ends the build before a mtime or a pyc is written', async (value) => {
      const build = await rpmbuild({ world, plant, defines: clamp, install: `export SOURCE_DATE_EPOCH=${value}` });
      expect(build.log).toContain(
        'pyclink: error: SOURCE_DATE_EPOCH: takes seconds since 1970, a whole number of 0 or more',
      );
      expect(build).toMatchObject({ status: 1, rpms: [] });
      expect(lstatSync(join(build.buildroot, cart)).mtimeMs).toBe((epoch + 9) * 1000);
      expect(everythingIn(build.buildroot).filter((path) => path.endsWith('.pyc'))).toEqual([]);
    });

    it('"" is none', async () => {
      const build = await rpmbuilt({ world, plant, defines: clamp, install: 'export SOURCE_DATE_EPOCH=' });
      for (const pyc of pycs(cart)) expect(headerOf(build.buildroot, pyc)).toEqual([0, epoch + 9, text.length]);
      expect(await queryRpms(build.rpms, '[%{FILENAMES} %{FILEMTIMES}\\n]')).toContain(`${cart} ${epoch + 9}`);
    });
  });

  it.each(['debian', 'fedora'] as const)(
    '(%s) variables of Python that a spec exports do not redirect pycs',
    async (world) => {
      const elsewhere = temporaryDirectory();
      const install = `export PYTHONPYCACHEPREFIX=${elsewhere} PYTHONWARNINGS=error PYTHONOPTIMIZE=2 PYTHONDONTWRITEBYTECODE=1`;
      const build = await rpmbuilt({ world, plant, install });
      expect(everythingIn(elsewhere)).toEqual([]);
      expect(await groupsInRpms(build.rpms)).toEqual(cartGroup);
    },
  );

  it.each(['debian', 'fedora'] as const)('a buildroot that is reached through a symlink (%s)', async (world) => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'real'));
    symlinkSync('real', join(directory, 'top'));
    const build = await rpmbuilt({ world, plant, directory });
    expect(await groupsInRpms(build.rpms)).toEqual(cartGroup);
    expect(manifestOf(build).linkGroups.map(({ paths }) => paths)).toEqual(cartGroup);
  });

  it.each(['debian', 'fedora'] as const)(
    'a source that has a name outside the buildroot: that file keeps its mtime (%s)',
    async (world) => {
      const canary = plantCanary(text);
      const newer = join(canary.directory, 'newer.py');
      writeFileSync(newer, text);
      const directory = temporaryDirectory();
      linkSync(newer, join(directory, 'link.py'));
      const before = canary.state();
      const install = `mkdir -p %{buildroot}${site} && ln ${join(directory, 'link.py')} %{buildroot}${site}/link.py`;
      const env = { SOURCE_DATE_EPOCH: `${epoch}` };
      const build = await rpmbuilt({ world, plant, directory, install, env, defines: clamp });
      expect(canary.state()).toEqual(before);
      expect(lstatSync(newer).nlink).toBe(2);
      expect(lstatSync(join(build.buildroot, site, 'link.py'))).toMatchObject({ nlink: 1, mtimeMs: epoch * 1000 });
      const mtimes = await queryRpms(build.rpms, '[%{FILENAMES} %{FILEMTIMES}\\n]');
      expect(mtimes).toContain(`${site}/link.py ${epoch}`);
      expect(headerOf(build.buildroot, pycs(`${site}/link.py`)[0] ?? '')).toEqual([0, epoch, text.length]);
    },
  );

  describe.each(['debian', 'fedora'] as const)('a missing interpreter (%s)', (world) => {
    const nowhere = '/usr/lib/python3.99/site-packages/shop.py';

    it('is reported, and ends the build if errors do', async () => {
      const preamble = '%global _python_bytecompile_errors_terminate_build 1';
      const build = await rpmbuild({ world, plant: { ...plant, [nowhere]: text }, preamble });
      expect(build).toMatchObject({ status: 1, rpms: [] });
      expect(build.log).toContain('pyclink: error: ');
      expect(build.log).toContain('python3.99');
    });

    it('causes a warning if they do not, and the rest is compiled', async () => {
      const preamble = '%global _python_bytecompile_errors_terminate_build 0';
      const build = await rpmbuilt({ world, plant: { ...plant, [nowhere]: text }, preamble });
      expect(build.log).toContain(
        'pyclink: warning: /usr/lib/python3.99: its interpreter is missing\n    no working python3.99\n',
      );
      expect(await groupsInRpms(build.rpms)).toEqual(cartGroup);
      expect(manifestOf(build).skipped).toMatchObject([{ path: nowhere, reason: 'no-interpreter' }]);
    });

    it('is reported by %py_byte_compile too', async () => {
      const install = `%py_byte_compile /usr/bin/python3.99 %{buildroot}${site}`;
      const build = await rpmbuild({ world, plant, install });
      expect(build).toMatchObject({ status: 1, rpms: [] });
      expect(build.log).toContain('python3.99');
    });
  });

  it.each(['debian', 'fedora'] as const)(
    'a source that is an absolute symlink into the package is compiled (%s)',
    async (world) => {
      const alias = `${site}/shop/alias.py`;
      const build = await rpmbuilt({
        world,
        plant: { ...plant, '/usr/share/shop/plugin.py': text, [alias]: { symlink: '/usr/share/shop/plugin.py' } },
      });
      expect(await groupsInRpms(build.rpms)).toEqual([pycs(alias).sort(), ...cartGroup]);
    },
  );

  it('does not need /dev/shm', async () => {
    const shm = 'mount -t tmpfs -o ro,size=4k none /dev/shm && exec "$@"';
    const starter = ['unshare', '--map-root-user', '--mount', 'sh', '-c', shm, 'sh'];
    const [command = '', ...args] = starter;
    const lock = await execa(command, [...args, 'python3', '-c', 'import multiprocessing; multiprocessing.Lock()'], {
      reject: false,
    });
    expect(lock.stderr).toMatch(/Read-only file system|Permission denied/);
    const build = await rpmbuilt({ plant, starter, env: { RPM_BUILD_NCPUS: '2' } });
    expect(await groupsInRpms(build.rpms)).toEqual(cartGroup);
  });

  it.each(['debian', 'fedora'] as const)(
    'a --strip that is no prefix of a source ends the build (%s)',
    async (world) => {
      const build = await rpmbuild({ world, plant, defines: { pyclink_options: '--strip /elsewhere' } });
      expect(build).toMatchObject({ status: 1, rpms: [] });
      expect(build.log).toContain('--strip: /elsewhere is not a parent directory of ');
    },
  );

  it.each([allPythons.find(({ minor }) => minor === '3.13') ?? systemPython])(
    'the pycs of $executable do not depend on the number of jobs',
    async ({ executable, library }) => {
      const directory = '/usr/share/shop';
      const names = ['json', 'asyncio'].flatMap((name) =>
        everythingIn(join(library, name), `${name}/`).filter((path) => path.endsWith('.py')),
      );
      const modules = Object.fromEntries(
        names.map((name) => [`${directory}/${name}`, { content: readFileSync(join(library, name)), mtime: epoch }]),
      );
      const [one = {}, two = {}] = await Promise.all(
        ['1', '2'].map(async (jobs) => {
          const install = `%py_byte_compile ${executable} %{buildroot}${directory}`;
          const build = await rpmbuilt({ plant: modules, install, defines: { _smp_build_ncpus: jobs } });
          return contentsOf(join(build.buildroot, directory));
        }),
      );
      expect(Object.keys(two).filter((path) => one[path] !== two[path])).toEqual([]);
      expect(Object.keys(two).filter((path) => path.endsWith('.pyc')).length).toBe(2 * names.length);
    },
  );
});
