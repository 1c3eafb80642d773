import { describe, expect, it } from 'vitest';
import { everythingIn } from '../test/helpers/buildroot.ts';
import { describeRpm, groupsInRpms, pycs, type RpmBuild, rpmbuild, rpmbuilt, site, worlds } from './helpers/rpm.ts';

const text = 'def pay(price):\n    return price\n';
const cart = `${site}/shop/cart.py`;
const plugin = '/usr/share/shop/plugin.py';
const plant = { [cart]: text, [plugin]: text };
const archs = ['noarch', 'native'] as const;

const compiled = ({ buildroot }: RpmBuild) =>
  everythingIn(buildroot)
    .filter((path) => /\.py[co]$/.test(path))
    .map((path) => `/${path}`);

const said = ({ log }: RpmBuild) => log.split('\n').filter((line) => line.startsWith('pyclink: '));

/** What takes the step out, and the reason that the log then has. */
const reasons: Readonly<Record<string, string>> = {
  '%undefine py_auto_byte_compile': '%py_auto_byte_compile is not defined',
  '%global __brp_python_bytecompile %{nil}': '%__brp_python_bytecompile is ""',
  '%global __brp_python_bytecompile /bin/true': '%__brp_python_bytecompile is "/bin/true"',
  '%undefine __brp_python_bytecompile': '%__brp_python_bytecompile is not defined',
  '%global __os_install_post %{nil}': '%__os_install_post is empty',
};
const switches = Object.keys(reasons);

/** As specs of old take the step out. */
const sed =
  "%global __os_install_post %(echo '%{__os_install_post}' | sed -e 's!/usr/lib[^[:space:]]*/brp-python-bytecompile[[:space:]].*$!!g')";
const reasonOfSed = '%__os_install_post does not call %__brp_python_bytecompile';

describe.each(worlds)('off switches (%s)', (world) => {
  describeRpm('in a spec', () => {
    it('would compile without one', async () => {
      const build = await rpmbuilt({ world, plant });
      expect(compiled(build)).toEqual(pycs(cart).sort());
      const place = world.startsWith('fedora')
        ? 'replaces /usr/lib/rpm/redhat/brp-python-bytecompile'
        : 'added to the steps at the end of %install; set %pyclink_adds to 0 to add no files';
      expect(said(build)[0]).toBe(`pyclink: ${place}`);
    });

    const cases = [...switches, ...(world.startsWith('fedora') ? [sed] : [])].flatMap((line) =>
      archs.map((arch) => [line, arch] as const),
    );
    it.each(cases)('%s (%s)', async (line, arch) => {
      for (const place of ['preamble', 'end']) {
        const build = await rpmbuilt({ world, plant, arch, [place]: line });
        expect(compiled(build)).toEqual([]);
        const reason = reasons[line] ?? reasonOfSed;
        expect(said(build)).toEqual([`pyclink: compiles nothing at the end of %install: ${reason}`]);
        expect(build.log).not.toContain('Bytecompiling');
      }
    });

    it('py_auto_byte_compile stays on at 0, as with the macros of Fedora, which ask only whether it is defined', async () => {
      const build = await rpmbuilt({ world, plant, preamble: '%global py_auto_byte_compile 0' });
      expect(compiled(build)).toEqual(pycs(cart).sort());
    });

    it('%undefine py_auto_byte_compile takes the step out also where the spec loads the macros once more', async () => {
      const again = [
        '%global where %{pyclink_prefix}',
        '%{load:%{where}/lib/rpm/macros.d/macros.zz-pyclink}',
        '%global pyclink_prefix %{where}',
      ].join('\n');
      const on = await rpmbuilt({ world, plant, preamble: again });
      expect(compiled(on)).toEqual(pycs(cart).sort());
      expect(on.log.match(/^Bytecompiling/gm)).toHaveLength(1);
      const off = await rpmbuilt({ world, plant, preamble: `${again}\n%undefine py_auto_byte_compile` });
      expect(compiled(off)).toEqual([]);
    });

    it.each(switches)('%s: but py_byte_compile still compiles', async (preamble) => {
      const install = `%py_byte_compile /usr/bin/python3 %{buildroot}/usr/share/shop`;
      const build = await rpmbuilt({ world, plant, preamble, install });
      expect(compiled(build)).toEqual(pycs(plugin).sort());
    });
  });

  describeRpm('that are older, in a configuration', () => {
    it.each(switches.map((line) => line.replace('%global ', '')).filter((line) => !line.startsWith('%undefine')))(
      '--define %s',
      async (line) => {
        const [name = '', value = ''] = line.split(' ');
        const build = await rpmbuilt({ world, plant, defines: { [name]: value } });
        expect(compiled(build)).toEqual([]);
      },
    );
  });

  describeRpm('of the steps', () => {
    it('keeps the steps that a spec adds', async () => {
      const preamble =
        '%global __os_install_post %{?__os_install_post} \\\necho the last step of $RPM_PACKAGE_NAME: 100%%';
      const build = await rpmbuilt({ world, plant, preamble });
      expect(build.log).toContain('the last step of shop: 100%');
      expect(compiled(build)).toEqual(pycs(cart).sort());
    });
  });

  describeRpm('of errors', () => {
    const bad = { ...plant, [`${site}/shop/bad.py`]: 'def (\n' };
    const terminate = '_python_bytecompile_errors_terminate_build';

    it.each([`%global ${terminate} 1`, ...(world.startsWith('fedora') ? [''] : [])])(
      'end the build: "%s"',
      async (preamble) => {
        const build = await rpmbuild({ world, plant: bad, preamble });
        expect(build).toMatchObject({ status: 1, rpms: [] });
        expect(build.log).toContain(`pyclink: error: ${site}/shop/bad.py: does not compile\n`);
        expect(compiled(build)).toEqual(pycs(cart).sort());
      },
    );

    const tolerant = [`%global ${terminate} 0`, `%undefine ${terminate}`, ...(world.startsWith('debian') ? [''] : [])];
    it.each(tolerant)('do not end the build: "%s"', async (preamble) => {
      const build = await rpmbuilt({ world, plant: bad, preamble });
      expect(build.log).toContain(`pyclink: warning: ${site}/shop/bad.py: does not compile\n`);
      expect(await groupsInRpms(build.rpms)).toEqual([pycs(cart).sort()]);
    });

    it('end the build in %py_byte_compile, whatever the switch, unless the spec says otherwise', async () => {
      const call = `%{py_byte_compile /usr/bin/python3 %{buildroot}${site}}`;
      const preamble = `%global ${terminate} 0`;
      expect(await rpmbuild({ world, plant: bad, preamble, install: call })).toMatchObject({ status: 1 });
      const build = await rpmbuilt({ world, plant: bad, preamble, install: `( ${call} ) || :` });
      expect(compiled(build)).toEqual(pycs(cart).sort());
    });
  });

  describeRpm('of levels', () => {
    const listing = (levels: readonly number[]) => ['', cart, plugin, ...pycs(cart, levels)].join('\n');

    it('writes the files of a spec that lists levels 0 and 1', async () => {
      const build = await rpmbuilt({ world, plant, files: listing([0, 1]) });
      expect(await groupsInRpms(build.rpms)).toEqual([pycs(cart).sort()]);
    });

    it('writes level 2 if told to, which the spec then has to list', async () => {
      const preamble = '%global pyclink_optimize 0 1 2';
      const build = await rpmbuilt({ world, plant, preamble, files: listing([0, 1, 2]) });
      expect(await groupsInRpms(build.rpms)).toEqual([pycs(cart, [0, 1, 2]).sort()]);
      const unlisted = await rpmbuild({ world, plant, preamble, files: listing([0, 1]) });
      expect(unlisted.status).toBe(1);
      expect(unlisted.log).toContain(`Installed (but unpackaged) file(s) found:\n   ${pycs(cart, [2])}`);
    });

    it('excludes what %pyclink_exclude names', async () => {
      const preamble = `%global pyclink_exclude **/cart.py ${site}/other's/**`;
      const others = { [`${site}/other's/a.py`]: text, [`${site}/b.py`]: text };
      const build = await rpmbuilt({ world, plant: { ...plant, ...others }, preamble });
      expect(compiled(build)).toEqual(pycs(`${site}/b.py`).sort());
    });
  });
});
