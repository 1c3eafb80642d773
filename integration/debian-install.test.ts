/** Installs packages that carry pycs in a real chroot, and holds what dpkg and python3 say of them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, expect, it } from 'vitest';
import { linkGroupsIn } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { thisRelease } from '../test/helpers/release.ts';
import { type Chroot, chrootTools, makeChroot } from './helpers/chroot.ts';
import { buildPackages, debianTools, rules, verifyWords } from './helpers/debian.ts';
import { describeWith } from './helpers/tools.ts';

const newer = {
  'debian/changelog': `shop (1.1) unstable; urgency=medium

  * Sells more.

 -- A Packager <packager@example.org>  Wed, 15 Nov 2023 22:13:20 +0000
`,
  'shop/till.py': '"""Takes money."""\n\n\ndef pay(total):\n    assert total > 1\n    return total\n',
};
const directories = ['usr/lib/python3/dist-packages/shop', 'usr/share/shop-app', 'usr/lib/elsewhere'];

const tools = 'def use(tool):\n    assert tool\n    return tool\n';
const venvRules = `${rules.addon}
execute_after_dh_install:
\t/usr/bin/python3 -m venv --without-pip debian/shop-app/opt/venvs/shop
\tcp -r kit debian/shop-app/opt/venvs/shop/lib/python3.*/site-packages/
\tdh_pyclink -pshop-app /opt/venvs/shop
`;

/** Its py3compile expects the time of the source where PEP 552 has put flags, so no pyc is valid to it. */
const python3Minimal = {
  path: '/debian/pool/main/p/python3-defaults/python3-minimal_3.9.2-3_amd64.deb',
  sha256: '159320ef8a2d740dcc2245c7f0ac0e678b2796354044c90760fe2a4c6ef117b4',
};

const written =
  /^# (created '[^']*\/(shop|shop-app|elsewhere)\/|bytecode is stale|code object from .*\/(till|main|extra|tools)\.py$).*/gm;

let chroot: Chroot;

/** Gives the chroot Debian 11's programs that compile at installation, for the Python it has. */
async function replaceByDebian11(): Promise<void> {
  await chroot.install('python3');
  const fetchFrom = (host: string) => {
    const words = [host + python3Minimal.path, '/tmp/python3-minimal.deb', `SHA256:${python3Minimal.sha256}`];
    return chroot.inside('/usr/lib/apt/apt-helper', 'download-file', ...words);
  };
  await fetchFrom('http://deb.debian.org').catch(() => fetchFrom('http://archive.debian.org'));
  const programs = ['py3compile', 'py3clean'].map((name) => `./usr/bin/${name}`);
  await execa('dpkg-deb', ['--fsys-tarfile', join(chroot.directory, 'tmp/python3-minimal.deb')]).pipe('tar', [
    ...['-x', '-C', chroot.directory],
    ...[...programs, './usr/share/python3/debpython'],
  ]);
  // Python 3.12 and later have no imp.
  const interpreter = join(chroot.directory, 'usr/share/python3/debpython/interpreter.py');
  const text = readFileSync(interpreter, 'utf8');
  const withoutImp = text
    .replaceAll('import imp; print(imp.get_tag())', 'import sys; print(sys.implementation.cache_tag)')
    .replaceAll('import imp; print(imp.get_magic())', 'import importlib.util as u; print(u.MAGIC_NUMBER)');
  writeFileSync(interpreter, withoutImp);
}

const groups = () =>
  directories.map((directory) => linkGroupsIn(join(chroot.directory, directory)).map((set) => set.length));

/** Nothing broke the links or the files, and no level of python3 would compile anything anew. */
async function expectWhole(expected: readonly (readonly number[])[]): Promise<void> {
  expect(groups()).toEqual(expected);
  expect((await chroot.inside('dpkg', '--verify', 'python3-shop', 'shop-app')).all).toBe('');
  for (const flags of [[], ['-O'], ['-OO']]) {
    const path = 'import sys; sys.path[:0] = ["/usr/share/shop-app", "/usr/lib/elsewhere"]';
    const { stderr } = await chroot.inside('python3', ...flags, '-v', '-c', `${path}; import shop.till, main, extra`);
    const loaded = stderr.match(/^# code object from '[^']*\/(shop|shop-app|elsewhere)\/__pycache__\/.*\.pyc'$/gm);
    expect(loaded).toHaveLength(4);
    expect(stderr.match(written)).toBeNull();
  }
  expect(groups()).toEqual(expected);
}

const healthy = [[2, 1, 2, 1], [3], [3]];
/** Level 0 of each module is a file of its own. */
const rewritten = [
  [1, 1, 1, 2, 1],
  [2, 1],
  [2, 1],
];
const healthyNewer = [[2, 1, 1, 1, 1], [3], [3]];

const choices: readonly (readonly [string, string])[] = [
  ['as it is by default', ''],
  ['--postinst=bcep', '\noverride_dh_pyclink:\n\tdh_pyclink --postinst=bcep\n'],
  ['--postinst=strip', '\noverride_dh_pyclink:\n\tdh_pyclink --postinst=strip\n'],
  ['checked-hash', '\noverride_dh_pyclink:\n\tdh_pyclink -- --invalidation-mode=checked-hash\n'],
  ['unchecked-hash', '\noverride_dh_pyclink:\n\tdh_pyclink -- --invalidation-mode=unchecked-hash\n'],
];

describeWith([...debianTools, ...chrootTools], 'packages in a chroot', () => {
  beforeAll(async () => {
    chroot = await makeChroot(thisRelease);
    return chroot.remove;
  }, 300_000);

  it.each(choices)('stay whole from installation to purge, built with dh_pyclink %s', async (_, override) => {
    const [first, second] = [
      await buildPackages(rules.addon + override),
      await buildPackages(rules.addon + override, '-b', newer),
    ];
    const [old, upgrade] = [chroot.carry(Object.values(first.debs)), chroot.carry(Object.values(second.debs))];

    // The first time, python3 comes along in the same run.
    await chroot.install(...old);
    await expectWhole(healthy);
    await chroot.inside('/var/lib/dpkg/info/python3.postinst', 'configure', '3.1');
    await expectWhole(healthy);
    await chroot.inside('dpkg', '--install', ...old);
    await expectWhole(healthy);
    await chroot.inside('dpkg', '--install', ...upgrade);
    await expectWhole(healthyNewer);
    await chroot.inside('dpkg', '--install', ...old);
    await expectWhole(healthy);

    await chroot.inside('dpkg', '--purge', 'shop-app', 'python3-shop');
    expect(directories.filter((directory) => existsSync(join(chroot.directory, directory)))).toEqual([]);
  });

  it('import from a virtual environment below /opt as it was built', async () => {
    const built = await buildPackages(venvRules, '-b', {
      'kit/__init__.py': 'from . import tools\n',
      'kit/tools.py': tools,
    });
    expect((await pyclink(verifyWords(built, 'shop-app'))).stdout).toBe(
      'pyclink: 12 pycs, 4 link groups: all as built\n',
    );
    await chroot.install('python3', ...chroot.carry(Object.values(built.debs)));
    const venv = join(chroot.directory, 'opt/venvs/shop');
    expect(linkGroupsIn(venv).map((set) => set.length)).toEqual([3, 2, 1]);
    for (const flags of [[], ['-O'], ['-OO']]) {
      const { stderr } = await chroot.inside('/opt/venvs/shop/bin/python', ...flags, '-v', '-c', 'import kit');
      expect(stderr.match(/^# code object from '\/opt\/venvs\/shop\/.*\/__pycache__\/.*\.pyc'$/gm)).toHaveLength(2);
      expect(stderr.match(written)).toBeNull();
    }
    expect(linkGroupsIn(venv).map((set) => set.length)).toEqual([3, 2, 1]);
    expect((await chroot.inside('dpkg', '--verify', 'shop-app')).all).toBe('');
    await chroot.inside('dpkg', '--purge', 'shop-app', 'python3-shop');
    expect(existsSync(join(chroot.directory, 'opt/venvs'))).toBe(false);
  });

  it('keep their links under the py3compile of Debian 11 where bcep names them', async () => {
    await replaceByDebian11();
    const install = async (override: string) => {
      const { debs } = await buildPackages(rules.addon + override);
      await chroot.inside('dpkg', '--install', ...chroot.carry(Object.values(debs)));
    };
    await install('');
    expect(groups()).toEqual(rewritten);
    for (const flags of ['--postinst=bcep', '-- --invalidation-mode=checked-hash']) {
      await install(`\noverride_dh_pyclink:\n\tdh_pyclink ${flags}\n`);
      await expectWhole(healthy);
    }
    await chroot.inside('dpkg', '--purge', 'shop-app', 'python3-shop');
    expect(directories.filter((directory) => existsSync(join(chroot.directory, directory)))).toEqual([]);
  });
});
