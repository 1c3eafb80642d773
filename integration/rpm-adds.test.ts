/** %pyclink_adds 0: specs of systems where no step compiled before, on each rpm. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkGroupsIn } from '../test/helpers/buildroot.ts';
import { describeOnRpm, type MachineOptions } from './helpers/rpm-machine.ts';

const text = 'def pay(price):\n    return price\n';
const epoch = 1_600_000_000;
const python = '/usr/bin/python3';
const added = 'pyclink: added to the steps at the end of %install; it adds no files';
const compile = (mode: string, ...paths: string[]) =>
  `${python} -c 'import py_compile, sys; M = py_compile.PycInvalidationMode
for path in sys.argv[2:]:
  for level in (0, 1): py_compile.compile(path, dfile=path[len(sys.argv[1]):], optimize=level, invalidation_mode=M.${mode})' %{buildroot} ${paths.map((path) => `%{buildroot}${path}`).join(' ')}`;

describeOnRpm('%pyclink_adds 0', (machine) => {
  const till = () => `${machine.site}/shop/till.py`;
  const built = (options: MachineOptions) =>
    machine.built({
      plant: { [machine.cart]: { content: text, mtime: epoch + 9 }, [till()]: text },
      defines: { pyclink_adds: '0' },
      ...options,
    });

  describe.each(['bare', 'opensuse', 'pld'] as const)('with the macros of %s', (macros) => {
    it('adds nothing to a spec that lists only its sources, and reports it', async () => {
      const build = await built({ macros, files: `\n${machine.cart}\n${till()}` });
      expect(build.compiled).toEqual([]);
      expect(build.said).toEqual([added, 'pyclink: 2 sources without pycs not compiled: %pyclink_adds is 0']);
    });

    it('keeps the levels and invalidation modes of the pycs of a spec, and links them', async () => {
      const build = await built({
        macros,
        install: `${compile('CHECKED_HASH', machine.cart)}\n${compile('TIMESTAMP', till())}\nrm %{buildroot}${machine.site}/shop/__pycache__/till.*opt-1.pyc`,
        defines: { pyclink_adds: '0', clamp_mtime_to_source_date_epoch: '1' },
        env: { SOURCE_DATE_EPOCH: `${epoch}` },
      });
      const left = [...machine.pycs(machine.cart), ...machine.pycs(till()).slice(1)];
      expect(build.compiled).toEqual(left);
      const flags = left.map((path) => readFileSync(join(build.buildroot, path)).readUInt32LE(4));
      expect(flags).toEqual([3, 3, 0]);
      expect(linkGroupsIn(join(build.buildroot, machine.site, 'shop/__pycache__')).map(({ length }) => length)).toEqual(
        [2, 1],
      );
      expect(await machine.verify(build)).toMatchObject({ status: 0 });
    });
  });

  it('is mentioned in the log if the system has no step and it is 1', async () => {
    const build = await built({ defines: {} });
    expect(build.said[0]).toBe(
      'pyclink: added to the steps at the end of %install; set %pyclink_adds to 0 to add no files',
    );
    expect(build.compiled).toEqual(machine.pycs(machine.cart, till()));
  });
});
