/** Other tools that make packages and root file systems, each with its own place for pyclink: docs/images.md, docs/other-systems.md. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { linkGroupsIn, plant } from '../test/helpers/buildroot.ts';
import { bundle, pyclink, type Ran } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { chrootTools } from './helpers/chroot.ts';
import { blocksOf } from './helpers/images-page.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const nobody = 65_534;
const call = `${process.execPath} ${bundle}`;
const healthy = { status: 0, stdout: expect.stringMatching(/: all as built\n$/), stderr: '' };

/** A directory that every user can get to. */
async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'pyclink-door-'));
  chmodSync(directory, 0o755);
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describeWith(missingTools('makepkg', 'pacman', 'fakeroot', 'bsdtar'), 'makepkg', () => {
  /** Makes a package, whose recipe has this line of pyclink at its end. @returns what verify says of it */
  async function packageOf(top: string, policy: string): Promise<Ran> {
    const site = `usr/lib/python${systemPython.minor}/site-packages`;
    const recipe = `pkgname=shop
pkgver=1
pkgrel=1
arch=(any)
package() {
  install -Dm644 /dev/stdin "$pkgdir/${site}/till.py" <<<'total = 0'
  # As cp -p, meson and cmake leave it: older than SOURCE_DATE_EPOCH.
  touch -d @1500000000 "$pkgdir/${site}/till.py"
  ${call} build -q --buildroot "$pkgdir" ${policy} --manifest "$startdir/pyclink.json"
}
`;
    writeFileSync(join(top, 'PKGBUILD'), recipe);
    chownSync(top, nobody, nobody);
    const env = { PATH: process.env['PATH'] ?? '', PKGEXT: '.pkg.tar.zst', HOME: top, SOURCE_DATE_EPOCH: '1700000000' };
    await execa('makepkg', ['--nodeps', '--force'], { cwd: top, uid: nobody, gid: nobody, env, extendEnv: false });
    return pyclink(['verify', '--manifest', join(top, 'pyclink.json'), packageIn(top)]);
  }

  const packageIn = (top: string) =>
    join(top, readdirSync(top).find((file) => file.endsWith('.pkg.tar.zst')) ?? 'no package');

  it('makes a package that verify reads, and that pacman installs with its links', async () => {
    await inDirectory(async (top) => {
      expect(await packageOf(top, '--mtime-policy set')).toEqual(healthy);
      const root = join(top, 'root');
      mkdirSync(join(root, 'var/lib/pacman'), { recursive: true });
      const conf = join(top, 'pacman.conf');
      writeFileSync(conf, '[options]\nArchitecture = auto\nSigLevel = Never\nLocalFileSigLevel = Never\n');
      await execa('pacman', ['--root', root, '--config', conf, '--noconfirm', '-Udd', packageIn(top)]);
      expect(linkGroupsIn(root).map((group) => group.length)).toEqual([3]);
      expect(await pyclink(['verify', '--manifest', join(top, 'pyclink.json'), root])).toEqual(healthy);
      // makepkg sets mtimes: clamping leaves an older source as it is, and its pycs are stale in the package.
      const clamped = await packageOf(top, '');
      expect(clamped.status).toBe(1);
      expect(clamped.stdout.match(/^stale: /gm)).toHaveLength(3);
    });
  }, 120_000);
});

describeWith([...chrootTools, ...missingTools('umoci')], 'a root file system by mmdebstrap', () => {
  it('is compiled by a hook, and its image is unpacked by umoci with its links', async () => {
    await inDirectory(async (top) => {
      const [root, manifest] = [join(top, 'rootfs'), join(top, 'manifest.json')];
      const [, line = ''] = blocksOf('In the root file system of another image');
      const quick = 'mmdebstrap --variant=minbase --quiet --dpkgopt=force-unsafe-io';
      const more = ` -q --manifest ${manifest} --mtime 1600000000'`;
      // The line of the page, only quicker, and with a manifest.
      const command = line.replace('mmdebstrap', quick).replace('pyclink', call).replace('"$1"\'', `"$1"${more}`);
      expect(command).toContain(more);
      await execa('sh', ['-e', '-c', command], { cwd: top, env: { TMPDIR: '/tmp' } });
      expect(await pyclink(['verify', '--manifest', manifest, root])).toMatchObject({
        status: 0,
      });
      const umoci = (...args: string[]) => execa('umoci', args, { cwd: top });
      await umoci('init', '--layout', 'oci');
      await umoci('new', '--image', 'oci:one');
      await umoci('insert', '--image', 'oci:one', root, '/');
      await umoci('unpack', '--image', 'oci:one', 'bundle');
      expect(await pyclink(['verify', '--manifest', manifest, join(top, 'bundle/rootfs')])).toMatchObject({
        status: 0,
      });
      expect(await pyclink(['verify', '--manifest', manifest, join(top, 'oci')])).toEqual(healthy);
      const { linkGroups } = JSON.parse(readFileSync(manifest, 'utf8'));
      expect(linkGroups.length).toBeGreaterThan(100);
    });
  }, 400_000);
});

describeWith(missingTools('python3'), 'a wheel', () => {
  it('is a zip: installing it loses the links, and relink restores them', async () => {
    await inDirectory(async (top) => {
      const [tree, manifest, target] = [join(top, 'tree'), join(top, 'manifest.json'), join(top, 'target')];
      plant(tree, { 'shop/till.py': { content: 'total = 0\n', mtime: 1_600_000_000 } });
      await pyclink([
        'build',
        '-q',
        '--buildroot',
        tree,
        '/shop',
        '--manifest',
        manifest,
        '--python',
        systemPython.executable,
      ]);
      expect(linkGroupsIn(tree).map((group) => group.length)).toEqual([3]);
      const script = [
        'import pathlib, sys, zipfile',
        'tree = pathlib.Path(sys.argv[1])',
        'with zipfile.ZipFile(sys.argv[2], "w") as wheel:',
        '    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file())',
        '    for name in names: wheel.write(tree / name, name)',
        '    info = "shop-1.dist-info/"',
        '    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: shop\\nVersion: 1\\n")',
        '    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")',
        '    wheel.writestr(info + "RECORD", "".join(name + ",,\\n" for name in names))',
      ];
      const wheel = join(top, 'shop-1-py3-none-any.whl');
      await execa(systemPython.executable, ['-c', script.join('\n'), tree, wheel]);
      await execa(systemPython.executable, ['-m', 'venv', join(top, 'venv')]);
      const pip = [
        join(top, 'venv/bin/python'),
        '-m',
        'pip',
        'install',
        '--no-compile',
        '--no-index',
        '--target',
        target,
      ];
      await execa(pip[0] ?? '', [...pip.slice(1), wheel]);
      expect(linkGroupsIn(target).map((group) => group.length)).toEqual([1, 1, 1]);
      expect(await pyclink(['relink', '--manifest', manifest, '--buildroot', target])).toMatchObject({ status: 0 });
      expect(linkGroupsIn(target).map((group) => group.length)).toEqual([3]);
      // pip gives files the time of the installation.
      expect((await pyclink(['verify', '--manifest', manifest, target])).stdout).toMatch(/^stale: /);
    });
  }, 60_000);
});
