/** What public specs, macro files and bug reports have rpmbuild do, on each rpm, with the macros of several systems. */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { everythingIn, plant } from '../test/helpers/buildroot.ts';
import { describeOnRpm, macroSets } from './helpers/rpm-machine.ts';

const text = 'def pay(price):\n    return price\n';
const epoch = 1_600_000_000;
const python = '/usr/bin/python3';
const share = '/usr/share/shop';

describeOnRpm('a spec', (machine) => {
  const manifestOf = (path: string | undefined) =>
    JSON.parse(readFileSync(join(machine.world.directory, `${path}`), 'utf8')) as {
      linkGroups: { source: string }[];
      skipped: { path: string; reason: string }[];
    };

  describe.each(macroSets)('with the macros of %s', (macros) => {
    it('lets the shell expand the arguments of %py_byte_compile', async () => {
      const files = ['gtk3_a/x.py', 'gtk3_b/y.py', 'gtk2_c/z.py', 'a.py', 'b.py', 'c.py', 'one.txt'];
      const sources = Object.fromEntries(files.map((file) => [`${share}/${file}`, text]));
      const root = `%{buildroot}${share}`;
      const build = await machine.built({
        macros,
        plant: sources,
        install: [
          `%py_byte_compile ${python} ${root}/gtk3_*`,
          `%py_byte_compile ${python} ${root}/[ab].py`,
          `%{py_byte_compile ${python} ${root}/c.p? "${root}/gtk2_c"}`,
        ].join('\n'),
      });
      expect(build.compiled).toEqual(
        machine.pycs(...files.filter((file) => file.endsWith('.py')).map((file) => `${share}/${file}`)),
      );
      expect(manifestOf(build.manifest).linkGroups.length).toBe(6);
    });

    it('compiles files outside the buildroot in place, and does not record them in the manifest', async () => {
      const build = await machine.built({
        macros,
        plant: { [`${share}/a.py`]: text },
        install: [
          'mkdir -p work/sub work/other work/lists; for file in sub/b other/c lists/d; do echo "x = 1" > work/$file.py; done',
          'cd work',
          `%py_byte_compile ${python} sub`,
          'cd other',
          `%{py_byte_compile ${python} .}`,
          'cd ..',
          `%py_byte_compile ${python} $PWD/lists/*.py %{buildroot}${share}`,
          'find sub other lists -name "*.pyc" -printf "found %%f %%n\\n"',
          `${python} -c 'import glob, marshal; print("recorded", marshal.loads(open(glob.glob("sub/__pycache__/*.pyc")[0], "rb").read()[16:]).co_filename == "'$PWD'/sub/b.py")'`,
          'cd ..',
        ].join('\n'),
        defines: { pyclink_filelist: '%{_builddir}/pycs.list' },
      });
      const [tag] = machine
        .pycs('/b.py')
        .slice(-1)
        .map((path) => path.replace('/__pycache__/b.', '').replace('.pyc', ''));
      const found = ['b', 'c', 'd'].flatMap((file) => ['', '.opt-1'].map((level) => `${file}.${tag}${level}.pyc`));
      for (const file of found) expect(build.log).toContain(`found ${file} 2\n`);
      expect(build.log).toContain('recorded True\n');
      expect(manifestOf(build.manifest).linkGroups.map(({ source }) => source)).toEqual([`${share}/a.py`]);
      const lists = everythingIn(join(machine.world.directory, 'srv/top')).filter((path) =>
        path.endsWith('/pycs.list'),
      );
      for (const list of lists) {
        expect(readFileSync(join(machine.world.directory, 'srv/top', list), 'utf8')).not.toContain('work');
      }
    });

    it('continues after a missing path', async () => {
      const install = `%py_byte_compile ${python} %{buildroot}${share}/*.py\n%py_byte_compile ${python} nowhere %{buildroot}${share}/sub`;
      const build = await machine.built({ macros, plant: { [`${share}/sub/a.py`]: text }, install });
      expect(build.said.filter((line) => line.includes('nothing to compile'))).toEqual([
        expect.stringMatching(
          /^pyclink: warning: .*\/usr\/share\/shop\/\*\.py: nothing to compile: there is no such file or directory$/,
        ),
        'pyclink: warning: nowhere: nothing to compile: there is no such file or directory',
      ]);
      expect(build.compiled).toEqual(machine.pycs(`${share}/sub/a.py`));
    });

    it('uses the interpreter that it packages', async () => {
      const packaged = '%{buildroot}/usr/bin/packaged-python';
      const install = `mkdir -p %{buildroot}/usr/bin; ln -s ${python} ${packaged}\n%py_byte_compile ${packaged} %{buildroot}${share}`;
      const build = await machine.built({ macros, plant: { [`${share}/a.py`]: text }, install });
      expect(build.log).toMatch(
        /^Bytecompiling .py files below .*\/usr\/share\/shop using .*\/usr\/bin\/packaged-python$/m,
      );
      expect(build.compiled).toEqual(machine.pycs(`${share}/a.py`));
    });

    const policies: readonly (readonly [string, Record<string, string>, Record<string, string>])[] = [
      ['an epoch', { build_mtime_policy: 'clamp_to_source_date_epoch' }, { SOURCE_DATE_EPOCH: `${epoch}` }],
      [
        'an epoch, the older macro being off',
        { build_mtime_policy: 'clamp_to_source_date_epoch', clamp_mtime_to_source_date_epoch: '0' },
        { SOURCE_DATE_EPOCH: `${epoch}` },
      ],
      [
        'an epoch from the changelog',
        { build_mtime_policy: 'clamp_to_source_date_epoch', source_date_epoch_from_changelog: '1' },
        {},
      ],
      [
        'the time of the build',
        { build_mtime_policy: 'clamp_to_buildtime', clamp_mtime_to_source_date_epoch: '0' },
        {},
      ],
    ];
    it.each(policies)('has its sources clamped to %s before they are compiled', async (_, defines, env) => {
      const build = await machine.built({
        macros,
        defines,
        env,
        install: [
          `mkdir -p %{buildroot}${machine.site}/shop %{buildroot}${share}; sleep 1.1`,
          `echo "x = 1" | tee %{buildroot}${machine.cart} > %{buildroot}${share}/a.py`,
          `%py_byte_compile ${python} %{buildroot}${share}`,
        ].join('\n'),
        end: '%changelog\n* Sun Sep 13 12:26:40 UTC 2020 Shop <shop@example.org> - 1.0-1\n- Open.',
      });
      expect(build.compiled).toEqual(machine.pycs(machine.cart, `${share}/a.py`));
      expect(await machine.verify(build)).toEqual({ status: 0, said: [expect.stringMatching(/: all as built$/)] });
      // rpm 4.18 knows none of these policies, and no time of the build.
      if (_ !== 'the time of the build') {
        expect(lstatSync(join(build.buildroot, machine.cart)).mtimeMs).toBe(epoch * 1000);
      }
    });

    it('fails only for sources that the system has to compile', async () => {
      const preamble = '%global _python_bytecompile_errors_terminate_build 1';
      const elsewhere = ['/opt/acme/lib/python3.99', '/usr/lib64/pypy3.98', `/usr/local/lib/python${machine.minor}`];
      const plantAll = Object.fromEntries(
        [machine.cart, ...elsewhere.map((directory) => `${directory}/m.py`)].map((path) => [path, text]),
      );
      const files = '\n/usr\n/opt';
      const build = await machine.built({ macros, preamble, plant: plantAll, files });
      expect(build.compiled).toEqual(machine.pycs(machine.cart));
      for (const directory of elsewhere) {
        const line = `pyclink: ${directory}: not compiled: outside the system's Python directories\n`;
        expect(build.log).toContain(`${line}    1 source not compiled\n`);
      }
      expect(manifestOf(build.manifest).skipped.map(({ reason }) => reason)).toEqual(
        elsewhere.map(() => 'not-asked-for'),
      );

      const asked = `${preamble}\n%global pyclink_extra ${elsewhere.join(' ')} /usr/lib64/python3.97 ${share}`;
      const more = await machine.built({ macros, preamble: asked, plant: plantAll, files });
      expect(more.compiled).toEqual(machine.pycs(machine.cart, `/usr/local/lib/python${machine.minor}/m.py`));
      expect(more.said).toEqual(
        expect.arrayContaining([
          'pyclink: warning: /opt/acme/lib/python3.99: its interpreter is missing',
          'pyclink: warning: /usr/lib64/pypy3.98: its interpreter is missing',
        ]),
      );

      const inScope = await machine.build({ macros, preamble, plant: { '/usr/lib64/python3.99/m.py': text } });
      expect(inScope).toMatchObject({ status: 1, rpms: [] });
      expect(inScope.log).toContain('pyclink: error: no working python3.99\n');
    });

    it('has a list for %files without the directories of the interpreter', async () => {
      const module = `${machine.site}/flat.py`;
      const build = await machine.built({
        macros,
        plant: { [machine.cart]: text, [module]: text },
        files: ` -f %{_topdir}/pycs.list\n${machine.cart}\n${module}`,
        defines: { pyclink_filelist: '%{_topdir}/pycs.list' },
      });
      const listed = await machine.world.inside('rpm', '-qlp', ...build.rpms);
      expect(listed.stdout.split('\n').filter((path) => path.endsWith('__pycache__'))).toEqual([
        `${machine.site}/shop/__pycache__`,
      ]);
    });

    it('proves in %check what it has built', async () => {
      const check = (line: string) => ({
        macros,
        plant: { [machine.cart]: text },
        end: `%check\n${line}%pyclink_verify`,
      });
      const good = await machine.built(check(''));
      expect(good.said.at(-1)).toBe('pyclink: 2 pycs, 1 link group: all as built');
      const bad = await machine.build(
        check(
          `for pyc in %{buildroot}${machine.site}/shop/__pycache__/*.opt-1.pyc; do cp -p $pyc x; mv x $pyc; done\n`,
        ),
      );
      expect(bad).toMatchObject({ status: 1, rpms: [] });
      expect(bad.log).toContain('unlinked: ');
    });
  });

  it("does not replace a vendor's own script unless it is told to", async () => {
    const script = '/usr/lib/rpm/vendor/brp-python-bytecompile';
    const own = `#!/bin/sh\nfind "$RPM_BUILD_ROOT${machine.site}" -name "*.py" -exec ${python} -m py_compile {} +\n`;
    plant(machine.world.directory, { [script]: { content: own, mode: 0o755 } });
    const preamble = `%global __os_install_post ${script}`;
    const alone = await machine.built({ preamble, plant: { [machine.cart]: text } });
    const reason = `${script} has its own conventions (see %pyclink_replaces)`;
    expect(alone.said).toEqual([`pyclink: compiles nothing at the end of %install: ${reason}`]);
    expect(alone.compiled).toEqual(machine.pycs(machine.cart).slice(1));
    const told = `${preamble}\n%global pyclink_replaces /usr/lib/rpm/vendor\n%global pyclink_options --invalidation-mode checked-hash`;
    const replaced = await machine.built({ preamble: told, plant: { [machine.cart]: text } });
    expect(replaced.said[0]).toBe(`pyclink: replaces ${script}`);
    for (const pyc of machine.pycs(machine.cart)) {
      expect(readFileSync(join(replaced.buildroot, pyc)).readUInt32LE(4)).toBe(3);
    }
  });

  it.each(['redhat', 'azl', 'mariner'])("replaces Fedora's script in %s", async (vendor) => {
    const script = `/usr/lib/rpm/${vendor}/brp-python-bytecompile`;
    const build = await machine.built({
      preamble: `%global __os_install_post ${script} "" 1`,
      plant: { [machine.cart]: text },
    });
    expect(build.said[0]).toBe(`pyclink: replaces ${script}`);
    expect(build.compiled).toEqual(machine.pycs(machine.cart));
  });

  it('reports foreign pycs, orphans and symlinks', async () => {
    const caches = `${machine.site}/shop/__pycache__`;
    const [one = '', zero = ''] = machine.pycs(machine.cart);
    const till = `${machine.site}/shop/till.py`;
    const [tillOne = '', tillZero = ''] = machine.pycs(till);
    const build = await machine.built({
      plant: {
        [machine.cart]: text,
        [till]: text,
        [`${caches}/cart.cpython-36.pyc`]: 'of another',
        [`${caches}/gone.cpython-36.pyc`]: 'of none',
      },
      end: [
        '%define __spec_install_post %{__os_install_post}\\',
        `rm %{buildroot}${one}; ln -s cart.cpython-36.pyc %{buildroot}${one}\n`,
      ].join('\n'),
      files: `\n${machine.site}/shop/*.py\n${caches}/cart*\n${caches}/gone*\n%ghost ${tillOne}\n%ghost ${tillZero}`,
    });
    const ran = await machine.world.attempt('pyclink', 'verify', '--manifest', `${build.manifest}`, ...build.rpms);
    expect(ran.exitCode).toBe(1);
    // In the order of the paths.
    expect(ran.stdout.split('\n').slice(0, -1).toSorted()).toEqual([
      `foreign: ${caches}/cart.cpython-36.pyc: python${machine.minor} does not read the pycs of cpython-36`,
      `missing: ${one}: is a symlink`,
      `orphan: ${caches}/gone.cpython-36.pyc: there is no ${machine.site}/shop/gone.py`,
    ]);
    expect(zero).not.toBe(one);
  });
});
