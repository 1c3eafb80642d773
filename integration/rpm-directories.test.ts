import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { itOnEachPython } from '../test/helpers/each-python.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { allPypys, missingPypys, type RealPython, systemPython } from '../test/helpers/pythons.ts';
import {
  describeRpm,
  groupsInRpms,
  installRpms,
  manifestOf,
  pycs,
  queryRpms,
  type RpmBuildOptions,
  rpmbuild,
  rpmbuilt,
} from './helpers/rpm.ts';

const text = 'def pay(price):\n    return price\n';
const worlds = ['debian', 'fedora'] as const;
const terminate = '%global _python_bytecompile_errors_terminate_build 1';

/** pyclink looks in /usr/bin first: of two with one name it finds the first. */
const foundPypys = allPypys.filter(({ minor }, i) => allPypys.findIndex((other) => other.minor === minor) === i);

/** Builds modules of these sources alone, with the file list's help, and expects each to be linked and to be loaded. */
async function expectCompiled(python: RealPython, sources: readonly string[], options: RpmBuildOptions) {
  const build = await rpmbuilt({
    preamble: terminate,
    plant: Object.fromEntries(sources.map((source) => [source, text])),
    files: ` -f %{_topdir}/pycs.list\n${sources.join('\n')}`,
    defines: { pyclink_filelist: '%{_topdir}/pycs.list' },
    ...options,
  });
  const groups = sources.map((source) => pycs(source, [0, 1], python.cacheTag).sort());
  expect(await groupsInRpms(build.rpms)).toEqual(groups);
  const { linkGroups, interpreters, skipped } = manifestOf(build);
  expect(linkGroups.map(({ paths }) => paths)).toEqual(groups);
  expect(interpreters).toMatchObject([{ version: python.version, cacheTag: python.cacheTag }]);
  // The normal form of PyPy's bytecode is not known.
  const leftAsTheyAre = allPypys.includes(python) ? groups.flat().sort() : [];
  expect(skipped.map(({ path }) => path)).toEqual(leftAsTheyAre);
  expect(new Set(skipped.map(({ reason }) => reason))).toEqual(new Set(leftAsTheyAre.map(() => 'not-normalized')));
  const verified = await pyclink(['verify', '--manifest', build.manifest, ...build.rpms]);
  expect(verified).toMatchObject({ status: 0, stderr: '' });
  const lines = readFileSync(join(build.topdir, 'pycs.list'), 'utf8').split('\n');
  expect(lines).toEqual(expect.arrayContaining(groups.flat().map((pyc) => `"${pyc}"`)));

  const root = await installRpms(build.rpms);
  for (const source of sources) {
    for (const flags of [[], ['-O']]) {
      const script = 'import sys; sys.path.insert(0, sys.argv[1]); import cart';
      const { stderr } = await execa(python.executable, ['-v', ...flags, '-c', script, join(root, source, '..')], {
        env: { PATH: '/usr/bin:/bin' },
        extendEnv: false,
      });
      const [pyc = ''] = pycs(source, [flags.length], python.cacheTag);
      expect(stderr).toContain(`# ${join(root, pyc)} matches ${join(root, source)}`);
    }
  }
  return build;
}

describeRpm('the directories of an interpreter', () => {
  it.each(worlds)('are those below lib and lib64, of /usr and of /app (%s)', async (world) => {
    const libraries = ['/app/lib', '/app/lib64', '/usr/lib', '/usr/lib64'];
    const sources = libraries.map((library) => `${library}/python${systemPython.minor}/site-packages/cart.py`);
    const { log, buildroot } = await expectCompiled(systemPython, sources, { world });
    for (const library of libraries) {
      const directory = `${buildroot}${library}/python${systemPython.minor}`;
      expect(log).toContain(`Bytecompiling .py files below ${directory} using python${systemPython.minor}\n`);
    }
  });

  it('are those of a free-threaded one if the spec asks for it, and it is reported if it is missing', async () => {
    const source = '/usr/lib64/python3.13t/site-packages/cart.py';
    const directory = '/usr/lib64/python3.13t';
    const env = { PATH: '/usr/bin:/bin' };
    const plant = { [source]: text, [source.replace('cart', 'till')]: text };
    const unasked = await rpmbuilt({ plant, env });
    const lines = ['    2 sources not compiled', '    hint: %pyclink_extra compiles it', ''];
    const leftOut = `pyclink: ${directory}: not compiled: outside the system's Python directories`;
    expect(unasked.log).toContain([leftOut, ...lines].join('\n'));

    const preamble = `${terminate}\n%global pyclink_extra ${directory}`;
    const build = await rpmbuilt({ plant, env, preamble });
    const missing = `${directory}: its interpreter is missing\n    no working python3.13t\n`;
    expect(build.log).toContain(`pyclink: warning: ${missing}    2 sources not compiled\n`);
    expect(manifestOf(build).skipped).toMatchObject([
      { path: source, reason: 'no-interpreter', message: 'no working python3.13t' },
      { reason: 'no-interpreter' },
    ]);
  });

  it('end the build if an interpreter of the system is missing', async () => {
    const plant = { '/usr/lib64/python3.99/site-packages/cart.py': text };
    const ended = await rpmbuild({ plant, preamble: terminate });
    const hint = 'add the interpreter to BuildRequires, or exclude its directory with %pyclink_exclude';
    expect(ended).toMatchObject({ status: 1, rpms: [] });
    expect(ended.log).toContain(`pyclink: error: no working python3.99\n    hint: ${hint}\n`);
  });
});

describeRpm('a package', () => {
  describe.each(worlds)('(%s)', (world) => {
    itOnEachPython(
      'has the pycs of $name where it looks for them',
      async (pypy) => {
        const libraries = [`/usr/lib/pypy${pypy.minor}`, `/usr/lib64/pypy${pypy.minor}`];
        const sources = libraries.map((library) => `${library}/site-packages/cart.py`);
        const env = { PATH: `${dirname(pypy.executable)}:/usr/bin:/bin` };
        const preamble = `${terminate}\n%global pyclink_extra ${libraries.join(' ')}`;
        const { log, rpms } = await expectCompiled(pypy, sources, { world, env, preamble });
        expect(log).toContain(`/usr/lib64/pypy${pypy.minor} using pypy${pypy.minor}\n`);
        expect(await queryRpms(rpms, '[%{FILENAMES}\\n]')).toContain(
          `/usr/lib/pypy${pypy.minor}/site-packages/__pycache__/cart.${pypy.cacheTag}.opt-1.pyc`,
        );
      },
      { pythons: foundPypys, missing: missingPypys },
    );
  });
});
