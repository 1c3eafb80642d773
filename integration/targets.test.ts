/** What targets stand for: packages that a .changes file names, or that lie in a directory. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { plant } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { builtShop, debOf, directory, healthy, pyc, type Shop, verifyShop } from './helpers/shop.ts';

/** Two packages of a build, in a directory of their own: one has a module, the other nothing. */
async function packagesIn(shop: Shop, place: string): Promise<string> {
  const target = shop.beside(place);
  mkdirSync(target, { recursive: true });
  renameSync(await debOf(shop, 'shop.deb'), join(target, 'shop_1_all.deb'));
  rmSync(join(shop.buildroot, 'usr'), { recursive: true });
  renameSync(await debOf(shop, 'empty.deb'), join(target, 'empty_1_all.deb'));
  return target;
}

describe('a directory of packages', () => {
  it('is expanded to its packages, each of which is read once, and its other files do not matter', async () => {
    const shop = await builtShop();
    const dist = await packagesIn(shop, 'dist');
    plant(dist, { 'shop_1.dsc': 'text', 'logs/build.log': 'text' });
    const ran = await verifyShop(shop, dist);
    expect(ran.stdout).toBe(`pyclink: ${dist}/empty_1_all.deb: it contains no pyc of the manifest\n${healthy.stdout}`);
    expect(ran.status).toBe(0);
    const audited = await pyclink(['audit', '--json', dist, `${dist}/./shop_1_all.deb`]);
    expect(JSON.parse(audited.stdout).summary.modules).toBe(2);
  });

  it('may have a directory for each architecture', async () => {
    const shop = await builtShop();
    const dist = await packagesIn(shop, 'RPMS/noarch');
    expect((await verifyShop(shop, dirname(dist))).status).toBe(0);
  });

  it('is a tree if it contains Python files', async () => {
    const shop = await builtShop();
    const deb = await debOf(shop, 'shop.deb');
    rmSync(join(shop.buildroot, 'DEBIAN'), { recursive: true });
    renameSync(deb, join(shop.buildroot, 'shop.deb'));
    rmSync(join(shop.buildroot, pyc('till')));
    expect((await verifyShop(shop, shop.buildroot)).stdout).toContain(`missing: ${pyc('till')}`);
  });
});

describe('two packages together', () => {
  it('are one payload: sources in one and pycs in the other, as in Alpine, are not orphans', async () => {
    const shop = await builtShop();
    const [sources, pycs] = [shop.beside('py3-shop-1-r0.apk'), shop.beside('py3-shop-pyc-1-r0.apk')];
    const tar = (file: string, ...args: string[]) => execa('tar', ['-czf', file, '-C', shop.buildroot, ...args]);
    await tar(sources, '--exclude=__pycache__', 'usr');
    await tar(pycs, `${directory}/__pycache__`.slice(1));
    expect(await verifyShop(shop, sources, pycs)).toMatchObject({ status: 0, stderr: '' });
    const together = await pyclink(['audit', '--recompile', sources, pycs]);
    expect(together.stdout).toContain('6 pycs confirmed: same code as their recompiled sources');
    expect(together.stdout).toContain('nothing wrong');
    expect(together.status).toBe(0);
    expect((await pyclink(['audit', pycs])).stdout).toContain('orphan');
  });
});

describe('a .changes file', () => {
  it('is expanded to the packages that it lists', async () => {
    const shop = await builtShop();
    const dist = await packagesIn(shop, 'dist');
    const names = ['shop_1.dsc', 'shop_1_all.deb', 'empty_1_all.deb'];
    const lines = names.map((name) => ` d41d8cd98f00b204e9800998ecf8427e 0 python optional ${name}`);
    const text = ['Format: 1.8', 'Source: shop', 'Files:', ...lines, 'Checksums-Sha1:', ' 0 0 other_1_all.deb'];
    plant(dist, { 'shop_1_amd64.changes': `${text.join('\n')}\n` });
    expect(await verifyShop(shop, join(dist, 'shop_1_amd64.changes'))).toMatchObject({ status: 0, stderr: '' });
    rmSync(join(dist, 'shop_1_all.deb'));
    const ran = await verifyShop(shop, join(dist, 'shop_1_amd64.changes'));
    expect(ran.stderr).toContain(`lists ${join(dist, 'shop_1_all.deb')}, which does not exist`);
    expect(ran.status).toBe(2);
  });

  it('is refused if it lists no package', async () => {
    const shop = await builtShop();
    plant(shop.buildroot, { 'source.changes': 'Format: 1.8\nFiles:\n 0 0 python optional shop_1.dsc\n' });
    const ran = await verifyShop(shop, join(shop.buildroot, 'source.changes'));
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr).toContain('lists no binary packages');
  });

  it('of dpkg-genchanges is read', async () => {
    const shop = await builtShop();
    const source = shop.beside('source');
    plant(source, {
      'debian/control':
        'Source: shop\nSection: python\nPriority: optional\nMaintainer: A <a@b.c>\n\nPackage: shop\nArchitecture: all\nDescription: shop\n',
      'debian/changelog':
        'shop (1) unstable; urgency=low\n\n  * One.\n\n -- A <a@b.c>  Sun, 13 Sep 2020 12:26:40 +0000\n',
      'debian/files': 'shop_1_all.deb python optional\n',
    });
    await debOf(shop, 'shop_1_all.deb');
    const changes = shop.beside('shop_1_all.changes');
    await execa('dpkg-genchanges', ['--build=binary', `-O${changes}`], { cwd: source });
    expect(await verifyShop(shop, changes)).toEqual(healthy);
  });
});

describe('a target that is not a file', () => {
  it.each(['audit', 'verify'])('is refused by %s: a device, a fifo', async (command) => {
    const shop = await builtShop();
    const fifo = shop.beside('fifo');
    await execa('mkfifo', [fifo]);
    const args = command === 'verify' ? ['--manifest', shop.manifest] : [];
    for (const target of ['/dev/zero', fifo]) {
      const ran = await pyclink([command, ...args, target]);
      expect(ran).toMatchObject({ status: 2, stdout: '' });
      expect(ran.stderr).toContain(`${target}: is not a regular file or a directory`);
    }
  });
});
