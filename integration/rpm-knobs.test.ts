/** What specs and systems set, well or badly, on each rpm. */
import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeOnRpm, type MachineOptions } from './helpers/rpm-machine.ts';

const text = 'def pay(price):\n    return price\n';
const epoch = 1_600_000_000;
const added = 'pyclink: added to the steps at the end of %install; set %pyclink_adds to 0 to add no files';

describeOnRpm('a knob', (machine) => {
  it('for the number of jobs may be empty', async () => {
    const build = await machine.built({ macros: 'pld' });
    expect(build.said[0]).toBe(added);
    expect(build.compiled).toEqual(machine.pycs(machine.cart));
    expect(await machine.built({ macros: 'fedora', defines: { _smp_build_ncpus: '%{nil}' } })).toMatchObject({
      compiled: machine.pycs(machine.cart),
    });
  });

  it('that compiles the whole buildroot does so if its interpreter exists', async () => {
    const app = '/usr/share/x/app.py';
    const others = [`/opt/ex/lib/python${machine.minor}/a.py`, `/usr/local/lib/python${machine.minor}/b.py`];
    const sources = [machine.cart, app, ...others];
    const options: MachineOptions = {
      macros: 'openeuler',
      plant: Object.fromEntries([...sources, '/usr/bin/tool.py'].map((path) => [path, text])),
      files: '\n/usr\n/opt',
    };
    const build = await machine.built({ ...options, defines: { __python: '/usr/bin/python3' } });
    expect(build.compiled).toEqual(machine.pycs(...sources));
    expect(build.log).not.toContain('left out');

    expect(existsSync(join(machine.world.lower, 'usr/bin/python'))).toBe(false);
    const without = await machine.built(options);
    expect(without.compiled).toEqual(machine.pycs(machine.cart));
    expect(without.said).toContain('pyclink: warning: /usr/share/x: its interpreter is missing');
  });

  it.each([
    ['N', epoch + 9],
    ['Y', epoch],
  ])('for the clamp may be %s', async (value, mtime) => {
    const build = await machine.built({
      plant: { [machine.cart]: { content: text, mtime: epoch + 9 } },
      defines: { clamp_mtime_to_source_date_epoch: value },
      env: { SOURCE_DATE_EPOCH: `${epoch}` },
    });
    expect(lstatSync(join(build.buildroot, machine.cart)).mtimeMs).toBe(mtime * 1000);
  });

  it('that names more directories compiles them, and they are not reported as left out', async () => {
    const more = `/opt/acme/lib/python${machine.minor}`;
    const build = await machine.built({
      plant: { [`${more}/a.py`]: text },
      preamble: `%global pyclink_extra ${more}`,
      files: '\n/opt',
    });
    expect(build.compiled).toEqual(machine.pycs(`${more}/a.py`));
    expect(build.log).not.toContain('left out');
  });

  it('that is misspelled is reported', async () => {
    const build = await machine.built({ preamble: '%global pyclink_optimise 0\n%global pyclink_excludes *' });
    expect(build.said.slice(0, 3)).toEqual([
      'pyclink: warning: %pyclink_optimise is not a pyclink macro: did you mean %pyclink_optimize?',
      'pyclink: warning: %pyclink_excludes is not a pyclink macro: did you mean %pyclink_exclude?',
      added,
    ]);
  });

  it('for the manifest refuses a relative path', async () => {
    const build = await machine.build({
      plant: { [machine.cart]: text },
      defines: { pyclink_manifest: 'pyclink.json' },
    });
    expect(build).toMatchObject({
      status: 1,
      said: ['pyclink: error: %pyclink_manifest: takes an absolute path, not pyclink.json'],
    });
  });

  it.each([
    ['%global pyclink_auto_byte_compile 0', '%pyclink_auto_byte_compile is 0'],
    ['%undefine py_auto_byte_compile', '%py_auto_byte_compile is not defined'],
    ['%global __os_install_post %{nil}', '%__os_install_post is empty'],
    ['%global pyclink_manifest %{nil}', '%pyclink_manifest is empty'],
  ])('that leaves nothing to verify does not end the build: %s', async (preamble, reason) => {
    const build = await machine.built({ preamble, end: '%check\n%pyclink_verify --allow "**"' });
    expect(build.said.at(-1)).toBe(`pyclink: nothing to verify: ${reason}`);
  });

  it('that turns the step off still verifies %py_byte_compile', async () => {
    const install = '%py_byte_compile /usr/bin/python3 %{buildroot}/usr';
    const off = { preamble: '%global pyclink_auto_byte_compile 0', install };
    const build = await machine.built({ ...off, end: '%check\n%pyclink_verify' });
    expect(build.said.at(-1)).toBe('pyclink: 2 pycs, 1 link group: all as built');
    const broken = await machine.build({
      ...off,
      plant: { [machine.cart]: text },
      end: `%check\nrm %{buildroot}${machine.site}/shop/__pycache__/*.opt-1.pyc\n%pyclink_verify`,
    });
    expect(broken).toMatchObject({ status: 1, rpms: [] });
  });
});
