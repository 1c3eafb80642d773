/** Packages from their build to their removal, on each rpm and in each format that it writes. */
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkGroupsIn } from '../test/helpers/buildroot.ts';
import { describeOnRpm } from './helpers/rpm-machine.ts';

const alike = 'def pay(price):\n    return price\n';
const asserting = 'def pay(price):\n    assert price\n    return price\n';
/** What rpm writes: before 6, one format. */
const formatsOf = (name: string) => (name === 'sid' ? ['6', '4'] : ['4']);

describeOnRpm('the life of a package', (machine, name) => {
  /** Builds a version, and keeps its package and manifest. */
  async function kept(version: string, format: string, modules: Readonly<Record<string, string>>) {
    const plant = Object.fromEntries(
      Object.entries(modules).map(([module, text]) => [`${machine.site}/shop/${module}.py`, text]),
    );
    const defines = { _rpmformat: format };
    const { status, log, rpms, manifest } = await machine.build({ version, plant, defines });
    expect({ status, rpms: rpms.length }, log).toEqual({ status: 0, rpms: 1 });
    const files = { rpm: `/srv/${version}.rpm`, manifest: `/srv/${version}.json` };
    const copy = (from: string, to: string) =>
      cpSync(join(machine.world.directory, from), join(machine.world.directory, to));
    copy(`${rpms[0]}`, files.rpm);
    copy(`${manifest}`, files.manifest);
    return files;
  }

  const rpm = (...args: string[]) =>
    machine.world.inside('rpm', '--root', '/srv/root', '--nodeps', '--nosignature', ...args);
  const verify = async (manifest: string, target: string) => {
    const { all } = await machine.world.attempt('pyclink', 'verify', '--manifest', manifest, target);
    return all;
  };

  describe.each(formatsOf(name))('in format %s', (format) => {
    it('keeps its links at installation and upgrade, and leaves nothing after removal', async () => {
      const one = await kept('1.0', format, { cart: alike, till: asserting });
      const two = await kept('2.0', format, { cart: `${alike}\n\ndef free():\n    return 0\n`, offer: alike });
      if (name === 'sid') {
        const { stdout } = await machine.world.inside('rpm', '-qp', '--qf', '%{RPMFORMAT}', one.rpm);
        expect(stdout).toBe(format);
      }
      rmSync(join(machine.world.directory, 'srv/root'), { recursive: true, force: true });
      await machine.world.inside('mkdir', '/srv/root');
      const installed = join(machine.world.directory, 'srv/root', machine.site, 'shop');
      const groups = () => linkGroupsIn(join(installed, '__pycache__')).map((group) => group.length);

      for (const target of [one.rpm, '/srv/root']) {
        if (target === '/srv/root') await rpm('--install', one.rpm);
        expect(await verify(one.manifest, target)).toBe('pyclink: 4 pycs, 1 link group: all as built');
      }
      expect(groups().filter((size) => size > 1)).toEqual([2]);
      expect((await rpm('--verify', 'shop')).stdout).toBe('');

      await rpm('--upgrade', two.rpm);
      expect(await verify(two.manifest, '/srv/root')).toBe('pyclink: 4 pycs, 2 link groups: all as built');
      expect(groups()).toEqual([2, 2]);
      expect((await rpm('--verify', 'shop')).stdout).toBe('');

      await rpm('--erase', 'shop');
      expect(existsSync(installed)).toBe(false);
    });
  });
});
