/** What dpkg's calls of a prerm leave of the pycs in a real chroot. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, expect, it } from 'vitest';
import { linkGroupsIn, plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { thisRelease } from '../test/helpers/release.ts';
import { type Chroot, chrootTools, makeChroot } from './helpers/chroot.ts';
import { buildPackages, control, debianTools, rules, verifyWords } from './helpers/debian.ts';
import { describeWith } from './helpers/tools.ts';

const shared = { 'debian/control': control.replace('Architecture: all', 'Architecture: any\nMulti-Arch: same') };
const modules = 'usr/lib/python3/dist-packages/shop';

const whole = [2, 1, 2, 1];

let chroot: Chroot;

const groups = () => linkGroupsIn(join(chroot.directory, modules)).map((set) => set.length);

/** A package that dpkg does not get to install. */
async function failing(fields: string): Promise<string> {
  const directory = temporaryDirectory();
  plant(directory, {
    'DEBIAN/control': `${fields}\nMaintainer: A <a@example.org>\nDescription: cannot be installed\n`,
    'DEBIAN/preinst': { content: '#!/bin/sh\nexit 1\n', mode: 0o755 },
  });
  const deb = `${temporaryDirectory()}/failing.deb`;
  await execa('dpkg-deb', ['--root-owner-group', '--build', directory, deb]);
  return deb;
}

describeWith([...debianTools, ...chrootTools], 'pycs that dpkg shares or still needs', () => {
  beforeAll(async () => {
    chroot = await makeChroot(thisRelease);
    await chroot.inside('dpkg', '--add-architecture', 'i386');
    await chroot.install('python3');
    return chroot.remove;
  }, 300_000);

  it('stay until the last instance of a package for several architectures is removed', async () => {
    const debs: string[] = [];
    for (const architecture of ['amd64', 'i386']) {
      const built = await buildPackages(rules.addon, '-B', shared, { words: [`-a${architecture}`] });
      debs.push(...chroot.carry([built.debs['python3-shop'] as string]));
      expect(built.log).toContain('pyclink: warning: python3-shop: not linked: dpkg refuses hard links in');
      expect((await pyclink(verifyWords(built, 'python3-shop'))).stdout).toMatch(/: all as built\n$/);
    }
    await chroot.inside('dpkg', '--install', ...debs);
    writeFileSync(join(chroot.directory, modules, '__pycache__/till.cpython-399.pyc'), '');
    await chroot.inside('dpkg', '--remove', 'python3-shop:i386');
    expect(groups()).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect((await chroot.inside('dpkg', '--verify', 'python3-shop')).all).toBe('');
    await chroot.inside('dpkg', '--remove', 'python3-shop:amd64');
    expect(existsSync(join(chroot.directory, modules))).toBe(false);
  }, 120_000);

  it.each([
    ['a package that breaks it', 'Package: rival\nVersion: 1\nArchitecture: all\nBreaks: python3-shop'],
    ['its next version', 'Package: python3-shop\nVersion: 2\nArchitecture: all'],
  ])('stay where %s could not be installed', async (_, fields) => {
    const { debs } = await buildPackages(rules.addon, '-A');
    await chroot.inside('dpkg', '--install', ...chroot.carry(Object.values(debs)));
    expect(groups()).toEqual(whole);
    const [deb = ''] = chroot.carry([await failing(fields)]);
    const { exitCode } = await chroot.attempt('dpkg', '--install', '--auto-deconfigure', deb);
    expect(exitCode).not.toBe(0);
    expect(groups()).toEqual(whole);
    const { stderr } = await chroot.inside('python3', '-OO', '-v', '-c', 'import shop.till');
    expect(stderr).toContain(`code object from '/${modules}/__pycache__/till.${systemPython.cacheTag}.opt-2.pyc'`);
  });
});
