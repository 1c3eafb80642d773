/** However a spec has the step expanded, on each rpm, with the macros of several systems: the result is the same. */
import { describe, expect, it } from 'vitest';
import { describeOnRpm, type MachineOptions, macroSets } from './helpers/rpm-machine.ts';

const text = 'def pay(price):\n    return price\n';
const python = '/usr/bin/python3';
const script = '/usr/lib/rpm/brp-python-bytecompile';
const hadoops = (line: string) => `%define __os_install_post ${line}`;

/** What public specs do to the step, and the first line of pyclink's log where it is not what the system has. */
const specs: Readonly<Record<string, MachineOptions & { readonly first?: string }>> = {
  'is wrapped': { preamble: '%global __brp_python_bytecompile nice -n 5 %{__brp_python_bytecompile}' },
  'is expanded early, in all steps': {
    preamble: '%global __spec_install_post %{__arch_install_post} \\\n %{__os_install_post}',
  },
  'comes after a %__spec_install_pre of the spec': {
    middle: '%define __spec_install_pre %{___build_pre}\\\nrm -rf %{buildroot}\\\nmkdir -p %{buildroot}\n',
  },
  'comes before a %__spec_install_pre at the end of the spec': {
    end: '%define __spec_install_pre %{___build_pre}\\\nrm -rf %{buildroot}\\\nmkdir -p %{buildroot}\n',
  },
  'is called by hand too': { install: '%{__brp_python_bytecompile}' },
  'is called by hand alone': {
    preamble: '%global __os_install_post %{nil}',
    install: '%{?__brp_python_bytecompile} || exit 1',
    first: 'pyclink: compiles nothing at the end of %install: %__os_install_post is empty',
  },
  'is called twice': { preamble: '%global __os_install_post %{__os_install_post} \\\n%{__brp_python_bytecompile}' },
  'has a semicolon behind it': { preamble: hadoops(`${script} ; \\\n%{nil}`) },
  'has a semicolon directly behind it': { preamble: hadoops(`${script}; echo the end \\\n%{nil}`) },
  'has its errors ignored': { preamble: hadoops(`${script} ${python} 1 || : \\\n%{nil}`) },
};

describeOnRpm('the step', (machine) => {
  describe.each(macroSets)('with the macros of %s', (macros) => {
    it.each(Object.entries(specs))('that %s does the same, and is in the manifest', async (_, { first, ...spec }) => {
      const build = await machine.built({ macros, ...spec });
      expect(build.said.find((line) => !/^pyclink: \d/.test(line))).toEqual(
        first ??
          expect.stringMatching(
            /^pyclink: (replaces \S+|added to the steps at the end of %install; set %pyclink_adds to 0 to add no files)$/,
          ),
      );
      expect(build.compiled).toEqual(machine.pycs(machine.cart));
      expect(await machine.verify(build)).toMatchObject({ status: 0 });
    });

    it('of %py_byte_compile keeps what follows it in a spec', async () => {
      const share = '/usr/share/shop';
      const files = { [`${share}/bad.py`]: 'def (\n', [`${share}/good.py`]: text };
      const install = `%py_byte_compile ${python} %{buildroot}${share} 2> errors || echo no matter; cat errors`;
      const build = await machine.built({ macros, plant: files, install });
      expect(build.log).toContain('no matter\n');
      expect(build.compiled).toEqual(machine.pycs(`${share}/good.py`));
      expect(build.manifest).toBeDefined();
    });

    it('of %py_byte_compile is false as a condition, and does not need an interpreter of the system', async () => {
      const condition = '%if 0%{?py_byte_compile}\n%global asked 1\n%endif';
      const install = 'echo asked: "%{?asked}"\n%{?py_byte_compile:%py_byte_compile %{python3} %{buildroot}/usr/share}';
      const build = await machine.built({ macros, preamble: condition, install });
      expect(build.log).toContain('asked: \n');
      expect(build.said).toContain('pyclink: warning: nothing compiled with %{python3}: there is no such macro');
      expect(build.compiled).toEqual(machine.pycs(machine.cart));
    });
  });

  it('is removed if a spec removes its line from the steps, also while the spec is read', async () => {
    const preamble = "%global __os_install_post %(echo '%{__os_install_post}' | grep -v redhat/brp-python-bytecompile)";
    const build = await machine.built({ macros: 'fedora', preamble });
    const reason = '%__os_install_post does not call %__brp_python_bytecompile';
    expect(build.said).toEqual([`pyclink: compiles nothing at the end of %install: ${reason}`]);
    expect(build.compiled).toEqual([]);
  });
});
