/** Builds pyclink's own RPM. What the hooks in it do is in rpm-hooks.test.ts. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { contentsOf, everythingIn, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { deadLinks } from './helpers/dead-links.ts';
import { buildRpm } from './helpers/own-rpm.ts';
import { describeRpm, groupsInRpms, installRpms, pycs, queryRpms, rpmbuilt, site } from './helpers/rpm.ts';
import { bundledPackages } from './helpers/sbom.ts';
import { stage } from './stage.ts';

const text = 'def pay(price):\n    return price\n';
const cart = `${site}/shop/cart.py`;
const plant = { [cart]: text };

describeRpm("pyclink's own package", () => {
  it.each([0o077, 0o002])('has the modes that others need, staged with a umask of %o', (mask) => {
    const before = process.umask(mask);
    const staged = join(temporaryDirectory(), 'staged');
    try {
      stage(staged);
    } finally {
      process.umask(before);
    }
    const modes = readdirSync(staged, { recursive: true, encoding: 'utf8' })
      .map((path) => lstatSync(join(staged, path)))
      .filter((stat) => !stat.isSymbolicLink())
      .map((stat) => `${stat.isDirectory() ? 'directory' : 'file'} ${(stat.mode & 0o777).toString(8)}`);
    expect([...new Set(modes)].sort()).toEqual(['directory 755', 'file 644', 'file 755']);
  });

  it('builds from a staged tree, installs, and builds a package from there', async () => {
    const directory = temporaryDirectory();
    const rpms = await buildRpm(directory);
    expect(rpms).toEqual([expect.stringMatching(/\/noarch\/pyclink-[\d.]+(~dev)?-1\.noarch\.rpm$/)]);

    const required = await queryRpms(rpms, '[%{REQUIRENAME}\\n]');
    expect(required.filter((name) => !name.startsWith('rpmlib('))).toEqual(['/bin/sh', 'nodejs', 'util-linux']);
    const flags = await queryRpms(rpms, '[%{FILEFLAGS:fflags} %{FILENAMES}\\n]');
    expect(flags.filter((line) => / \/usr\/share\/(doc|licenses)\/.*\//.test(line))).toEqual([
      'd /usr/share/doc/pyclink/SECURITY.md',
      'd /usr/share/doc/pyclink/audit.md',
      'd /usr/share/doc/pyclink/benchmarks.md',
      'd /usr/share/doc/pyclink/cache.md',
      'd /usr/share/doc/pyclink/debian.md',
      'd /usr/share/doc/pyclink/images.md',
      'd /usr/share/doc/pyclink/libraries',
      'd /usr/share/doc/pyclink/other-systems.md',
      'd /usr/share/doc/pyclink/release.md',
      'd /usr/share/doc/pyclink/reliability.md',
      'd /usr/share/doc/pyclink/reproducible.md',
      'd /usr/share/doc/pyclink/rpm.md',
      'd /usr/share/doc/pyclink/targets.md',
      'd /usr/share/doc/pyclink/versioning.md',
      'l /usr/share/licenses/pyclink/Apache-2.0',
      'l /usr/share/licenses/pyclink/THIRD-PARTY-NOTICES',
      'l /usr/share/licenses/pyclink/copyright',
    ]);

    const root = await installRpms(rpms);
    expect(deadLinks(root)).toEqual([]);
    const installed = Object.entries(contentsOf(join(root, 'usr')));
    const isMan = (path: string) => path.startsWith('share/man/man1/');
    const staged = contentsOf(join(directory, 'staged/usr'));
    expect(staged).toMatchObject(Object.fromEntries(installed.filter(([path]) => !isMan(path))));
    // rpm 4.20 compresses man pages.
    const manPages = installed.map(([path]) => path.replace(/\.gz$/, '')).filter(isMan);
    expect(manPages).toEqual(Object.keys(staged).filter(isMan));

    const buildroot = plantBuildroot(plant);
    const { stderr } = await execa(join(root, 'usr/lib/rpm/pyclink/brp-pyclink'), {
      env: { PATH: '/usr/bin:/bin', RPM_BUILD_ROOT: buildroot },
      extendEnv: false,
    });
    expect(stderr).toBe('');
    const compiled = everythingIn(buildroot).filter((path) => path.endsWith('.pyc'));
    expect(compiled.map((path) => `/${path}`)).toEqual(pycs(cart, [0, 1, 2]).sort());

    const build = await rpmbuilt({ world: 'debian, installed', plant, prefix: join(root, 'usr') });
    expect(await groupsInRpms(build.rpms)).toEqual([pycs(cart).sort()]);
  });

  it('has the same payload if it is built in another directory', async () => {
    const [one, two] = [await buildRpm(temporaryDirectory()), await buildRpm(temporaryDirectory())];
    const payload = (rpms: readonly string[]) => queryRpms(rpms, '%{NAME} %{PAYLOADDIGEST} %{PAYLOADDIGESTALT}\n');
    expect(await payload(two)).toEqual(await payload(one));
  });

  it('names each library of the bundle, and gives rpmlint nothing to report', async () => {
    const rpms = await buildRpm(temporaryDirectory());
    const provided = await queryRpms(rpms, '[%{PROVIDENAME} %{PROVIDEVERSION}\n]');
    const bundled = provided.flatMap((line) => /^bundled\(nodejs-(.*)\) (.*)$/.exec(line)?.slice(1).join('@') ?? []);
    expect(bundled.sort()).toEqual([...new Set(await bundledPackages())].sort());

    const config = join(import.meta.dirname, '../rpm-macros/rpmlint.toml');
    const { stdout } = await execa('rpmlint', ['--config', config, ...rpms], { env: { HOME: '/nonexistent' } });
    expect(stdout).toContain('1 packages and 0 specfiles checked; 0 errors, 0 warnings');
  });
});
