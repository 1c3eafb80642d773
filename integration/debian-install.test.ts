/** Installs packages that carry pycs in a real chroot, and holds what dpkg and python3 say of them. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { linkGroupsIn } from '../test/helpers/buildroot.ts';
import { type BuiltPackages, buildPackages, debianTools, rules } from './helpers/debian.ts';
import { describeWith, missingRoot, missingTools } from './helpers/tools.ts';

const newer = {
  'debian/changelog': `shop (1.1) unstable; urgency=medium

  * Sells more.

 -- A Packager <packager@example.org>  Wed, 15 Nov 2023 22:13:20 +0000
`,
  'shop/till.py': '"""Takes money."""\n\n\ndef pay(total):\n    assert total > 1\n    return total\n',
};
const directories = ['usr/lib/python3/dist-packages/shop', 'usr/share/shop-app', 'usr/lib/elsewhere'];

let chroot: string;

async function inside(command: string, ...args: string[]) {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
  return execa('chroot', [chroot, command, ...args], { env, extendEnv: false, all: true });
}

/** Puts the packages into the chroot. @returns their paths there */
function carry({ debs }: BuiltPackages): string[] {
  return Object.values(debs).map((deb) => {
    copyFileSync(deb, join(chroot, 'tmp', basename(deb)));
    return `/tmp/${basename(deb)}`;
  });
}

const groups = () => directories.map((directory) => linkGroupsIn(join(chroot, directory)).map((set) => set.length));

/** Nothing broke the links or the files, and no level of python3 would compile anything anew. */
async function expectWhole(expected: readonly (readonly number[])[]): Promise<void> {
  expect(groups()).toEqual(expected);
  expect((await inside('dpkg', '--verify', 'python3-shop', 'shop-app')).all).toBe('');
  for (const flags of [[], ['-O'], ['-OO']]) {
    const path = 'import sys; sys.path[:0] = ["/usr/share/shop-app", "/usr/lib/elsewhere"]';
    const { stderr } = await inside('python3', ...flags, '-v', '-c', `${path}; import shop.till, main, extra`);
    const loaded = stderr.match(/^# code object from '[^']*\/(shop|shop-app|elsewhere)\/__pycache__\/.*\.pyc'$/gm);
    expect(loaded).toHaveLength(4);
    expect(stderr.match(/^# (wrote|bytecode is stale|code object from .*\/(till|main|extra)\.py$).*/gm)).toBeNull();
  }
  expect(groups()).toEqual(expected);
}

const healthy = [[2, 1, 2, 1], [3], [3]];
const healthyNewer = [[2, 1, 1, 1, 1], [3], [3]];

const choices: readonly (readonly [string, string])[] = [
  ['as it is by default', ''],
  ['--postinst=bcep', '\noverride_dh_pyclink:\n\tdh_pyclink --postinst=bcep\n'],
  ['--postinst=strip', '\noverride_dh_pyclink:\n\tdh_pyclink --postinst=strip\n'],
  ['checked-hash', '\noverride_dh_pyclink:\n\tdh_pyclink -- --invalidation-mode=checked-hash\n'],
  ['unchecked-hash', '\noverride_dh_pyclink:\n\tdh_pyclink -- --invalidation-mode=unchecked-hash\n'],
];

const missing = [...debianTools, ...missingTools('mmdebstrap', 'chroot'), ...missingRoot()];

describeWith(missing, 'packages in a chroot', () => {
  beforeAll(async () => {
    chroot = mkdtempSync(join(tmpdir(), 'pyclink-chroot-'));
    const release = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
    await execa('mmdebstrap', ['--variant=apt', '--quiet', release, chroot], { env: { TMPDIR: '/tmp' } });
    await inside('apt-get', 'update', '-q');
  }, 300_000);

  afterAll(() => rmSync(chroot, { recursive: true, force: true }));

  it.each(choices)('stay whole from installation to purge, built with dh_pyclink %s', async (_, override) => {
    const [first, second] = [
      await buildPackages(rules.addon + override),
      await buildPackages(rules.addon + override, '-b', newer),
    ];
    const [old, upgrade] = [carry(first), carry(second)];

    // The first time, python3 comes along in the same run.
    await inside('apt-get', 'install', '-y', '-q', '--no-install-recommends', ...old);
    await expectWhole(healthy);
    await inside('/var/lib/dpkg/info/python3.postinst', 'configure', '3.1');
    await expectWhole(healthy);
    await inside('dpkg', '--install', ...old);
    await expectWhole(healthy);
    await inside('dpkg', '--install', ...upgrade);
    await expectWhole(healthyNewer);
    await inside('dpkg', '--install', ...old);
    await expectWhole(healthy);

    await inside('dpkg', '--purge', 'shop-app', 'python3-shop');
    expect(directories.filter((directory) => existsSync(join(chroot, directory)))).toEqual([]);
  });
});
