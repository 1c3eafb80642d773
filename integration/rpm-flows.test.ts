/** Builds packages as they are really built: by mock, in stages, with the macros of several systems, on each rpm. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkGroupsIn } from '../test/helpers/buildroot.ts';
import { describeOnRpm, type MachineOptions, macroSets } from './helpers/rpm-machine.ts';

const text = 'def pay(price):\n    return price\n';
const epoch = 1_600_000_000;
const added = 'pyclink: added to the steps at the end of %install; set %pyclink_adds to 0 to add no files';
const inPlaceOf = (directory: string) => `pyclink: replaces ${directory}/brp-python-bytecompile`;
const wired = { bare: added, fedora: inPlaceOf('/usr/lib/rpm/redhat'), opensuse: added } as const;
const nothing = (reason: string) => `pyclink: compiles nothing at the end of %install: ${reason}`;

/** How mock builds: it has rpmbuild say what is required, and goes on from there. Before rpm 4.20 there was no such stage. */
const mock = [['-br'], ['-bb', '--noprep']];
const stages = [['-bi'], ['-bi', '--short-circuit']];

describeOnRpm('rpmbuild', (machine, name) => {
  const site = () => machine.site;
  const shop = () => ({ [`${site()}/shop/cart.py`]: { content: text, mtime: epoch + 9 } });
  const cart = () => machine.pycs(`${site()}/shop/cart.py`);

  const built = (options: MachineOptions) => machine.built({ plant: shop(), ...options });

  describe.each(macroSets)('with the macros of %s', (macros) => {
    it('compiles and links, and reports whether it replaced a script or was added', async () => {
      for (const arch of ['noarch', 'native'] as const) {
        const build = await built({ macros, arch });
        expect(build.said[0]).toBe(wired[macros]);
        expect(build.compiled).toEqual(cart());
        expect(linkGroupsIn(join(build.buildroot, site(), 'shop/__pycache__')).map(({ length }) => length)).toEqual([
          2,
        ]);
        expect(await machine.verify(build)).toMatchObject({ status: 0 });
      }
    });

    // rpm 4.18 cannot build in two calls.
    const stagings = name === 'bookworm' ? { stages } : { mock, stages };
    it.each(Object.entries(stagings))('does so in separate calls of rpmbuild too (%s)', async (_, calls) => {
      const end = '%prep\n:\n%generate_buildrequires\necho rpm\n';
      const build = await built({ macros, calls, ...(calls === mock ? { end } : {}) });
      expect(build.said[0]).toBe(wired[macros]);
      expect(build.compiled).toEqual(cart());
      if (calls === mock) expect(await machine.verify(build)).toMatchObject({ status: 0 });
    });

    it('reports why it compiles nothing', async () => {
      const spec = (preamble: string) => ({ macros, preamble });
      const known = macros !== 'opensuse' && !(macros === 'bare' && name === 'sid');
      const cases: readonly (readonly [MachineOptions, string])[] = [
        [spec('%undefine py_auto_byte_compile'), '%py_auto_byte_compile is not defined'],
        [spec('%undefine __brp_python_bytecompile'), '%__brp_python_bytecompile is not defined'],
        [spec('%global __brp_python_bytecompile %{nil}'), '%__brp_python_bytecompile is ""'],
        [spec('%global __brp_python_bytecompile /bin/true'), '%__brp_python_bytecompile is "/bin/true"'],
        [spec('%global __os_install_post %{nil}'), '%__os_install_post is empty'],
        [spec('%global __spec_install_post %{nil}'), '%__spec_install_post does not call %__os_install_post'],
      ];
      for (const [options, reason] of cases) {
        for (const place of ['preamble', 'end'] as const) {
          const { preamble: line, ...others } = options;
          const build = await built({ ...others, [place]: line });
          expect(build.said, `${line} (${known})`).toEqual([nothing(reason)]);
          expect(build.compiled).toEqual([]);
          expect(build.manifest).toBeUndefined();
        }
      }
    });

    it('does not change the steps if a macro says so', async () => {
      const build = await built({ macros, preamble: '%global pyclink_auto_byte_compile 0' });
      expect(build.said).toEqual([nothing('%pyclink_auto_byte_compile is 0')]);
      // Fedora's own step compiles.
      expect(build.compiled).toEqual(macros === 'fedora' ? cart() : []);
      expect(build.manifest).toBeUndefined();
    });
  });
});
