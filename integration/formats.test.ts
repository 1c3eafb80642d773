/** Every format of package that Python modules come in. Each is packed with the tool that people use, or as its spec says. */
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { builtShop, debOf, healthy, type Shop, tarOf, verifyShop } from './helpers/shop.ts';

/** What verify says where the format has no hard links. */
const unlinked = { ...healthy, stdout: 'pyclink: 6 pycs, 0 link groups: all as built\n' };

/** Puts files into an archive, in this order. */
async function packed(shop: Shop, name: string, from: string, members: readonly string[]): Promise<string> {
  const file = shop.beside(name);
  const args = ['--create', '--auto-compress', '--file', file, '--directory', from, ...members];
  await execa('tar', args);
  return file;
}

async function zipOf(shop: Shop, name: string, from = shop.buildroot): Promise<string> {
  const file = shop.beside(name);
  await execa(systemPython.executable, ['-m', 'zipfile', '--create', file, '.'], { cwd: from });
  return file;
}

/** A package of opkg: `debian-binary`, and two tars. */
async function opkgParts(shop: Shop): Promise<string> {
  const parts = shop.beside('parts');
  plant(parts, { 'debian-binary': '2.0\n', control: 'Package: shop\nVersion: 1\nArchitecture: all\n' });
  await tarOf(shop, 'parts/data.tar.gz', '--gzip', '.');
  await execa('tar', ['-czf', join(parts, 'control.tar.gz'), '-C', parts, './control']);
  return parts;
}

describe('verify reads', () => {
  it.each([
    ['.tar.bz2', ''],
    ['.tbz2 with the data of Portage behind it', 'XPAKPACK\0\0\0\0\0\0\0\0XPAKSTOP\0\0\0\x10STOP'],
  ])('%s', async (_, trailer) => {
    const shop = await builtShop();
    const file = await tarOf(shop, 'shop-1.tbz2', '--bzip2', '.');
    appendFileSync(file, trailer);
    expect(await verifyShop(shop, file)).toEqual(healthy);
  });

  it('.ipk of OpenWrt, a tar of tars', async () => {
    const shop = await builtShop();
    const parts = await opkgParts(shop);
    const file = await packed(shop, 'shop.tar.gz', parts, ['./debian-binary', './data.tar.gz', './control.tar.gz']);
    renameSync(file, shop.beside('shop_1_all.ipk'));
    expect(await verifyShop(shop, shop.beside('shop_1_all.ipk'))).toEqual(healthy);
  });

  it('.ipk of Yocto, an ar of tars', async () => {
    const shop = await builtShop();
    const parts = await opkgParts(shop);
    const names = ['debian-binary', 'control.tar.gz', 'data.tar.gz'];
    await execa('ar', ['rc', shop.beside('shop_1_all.ipk'), ...names], { cwd: parts });
    expect(await verifyShop(shop, shop.beside('shop_1_all.ipk'))).toEqual(healthy);
  });

  it('.gpkg.tar of Gentoo, a tar of tars', async () => {
    const shop = await builtShop();
    const inner = shop.beside('gpkg/shop-1-1');
    plant(inner, { 'gpkg-1': '', Manifest: 'DATA image.tar.zst\n' });
    plant(dirname(inner), { 'metadata/CATEGORY': 'dev-python\n' });
    await tarOf(shop, 'gpkg/shop-1-1/image.tar.zst', '--zstd', '--transform=s,^\\.,image,rh', '.');
    await execa('tar', ['-cf', join(inner, 'metadata.tar'), '-C', dirname(inner), 'metadata']);
    const names = ['gpkg-1', 'metadata.tar', 'image.tar.zst', 'Manifest'].map((name) => `shop-1-1/${name}`);
    const file = await packed(shop, 'shop-1-1.gpkg.tar', dirname(inner), names);
    expect(await verifyShop(shop, file)).toEqual(healthy);
  });

  it('.conda, a zip of tars', async () => {
    const shop = await builtShop();
    const parts = shop.beside('conda');
    plant(parts, { 'metadata.json': '{"conda_pkg_format_version": 2}', 'info/index.json': '{}' });
    await tarOf(shop, 'conda/pkg-shop-1-py_0.tar.zst', '--zstd', '.');
    await execa('tar', ['--zstd', '-cf', 'info-shop-1-py_0.tar.zst', 'info'], { cwd: parts });
    expect(await verifyShop(shop, await zipOf(shop, 'shop-1-py_0.conda', parts))).toEqual(healthy);
  });

  it.each(['shop-1.egg', 'shop.zip', 'shop'])('%s, a zip', async (name) => {
    const shop = await builtShop('--no-link');
    expect(await verifyShop(shop, await zipOf(shop, name))).toEqual(unlinked);
  });

  it.each([
    ['as zipapp writes it', true],
    ['put before a zip', false],
  ])('.pyz with a shebang, %s', async (_, isOfZipapp) => {
    const shop = await builtShop('--no-link');
    const file = shop.beside('shop.pyz');
    plant(shop.buildroot, { '__main__.py': 'print("open")\n' });
    if (isOfZipapp) {
      await execa(systemPython.executable, ['-m', 'zipapp', '-p', '/usr/bin/python3', '-o', file, shop.buildroot]);
    } else {
      const zip = await zipOf(shop, 'shop.zip');
      writeFileSync(file, Buffer.concat([Buffer.from('#!/usr/bin/python3\n'), readFileSync(zip)]));
    }
    expect((await execa(systemPython.executable, [file])).stdout).toBe('open');
    expect(await verifyShop(shop, file)).toEqual(unlinked);
  });

  it('packages without their suffix', async () => {
    const shop = await builtShop();
    expect(await verifyShop(shop, await debOf(shop, 'of-debian'))).toEqual(healthy);
    expect(await verifyShop(shop, await tarOf(shop, 'of-arch', '--zstd', 'usr'))).toEqual(healthy);
  });
});

const suffixes = [
  'rpm',
  'deb',
  'apk',
  'ipk',
  'whl',
  'conda',
  'gpkg.tar',
  'tar',
  'tar.gz',
  'zip',
  'changes',
  'pyz',
  'sqsh',
];

describe('empty archives are an error:', () => {
  it.each(suffixes)('an empty .%s', async (suffix) => {
    const shop = await builtShop();
    const file = shop.beside(`shop.${suffix}`);
    writeFileSync(file, '');
    for (const ran of [await verifyShop(shop, file), await pyclink(['audit', file])]) {
      expect(ran.stdout).toBe('');
      expect(ran.stderr).toContain(suffix === 'changes' ? 'lists no binary packages' : 'it is empty');
      expect(ran.status).toBe(suffix === 'changes' ? 2 : 3);
    }
  });

  it.each(['tar', 'tar.gz', 'zip'])('a .%s without files', async (suffix) => {
    const shop = await builtShop();
    const file = shop.beside(`shop.${suffix}`);
    if (suffix === 'zip') writeFileSync(file, Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]));
    else await execa('tar', ['-caf', file, '-T', '/dev/null']);
    const ran = await pyclink(['audit', file]);
    expect(ran).toMatchObject({ status: 3, stdout: '' });
    expect(ran.stderr).toContain('it contains no files');
  });

  it('a tar of tars without the one that has its files', async () => {
    const shop = await builtShop();
    const parts = await opkgParts(shop);
    const file = await packed(shop, 'shop.tar.gz', parts, ['./debian-binary', './control.tar.gz']);
    const ran = await pyclink(['audit', file]);
    expect(ran).toMatchObject({ status: 3, stdout: '' });
    expect(ran.stderr).toContain('it has no archive with the files');
  });

  it('a tar of tars whose inner tar is cut off', async () => {
    const shop = await builtShop();
    const parts = await opkgParts(shop);
    const file = join(parts, 'data.tar.gz');
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, bytes.length - 20));
    const whole = await packed(shop, 'shop.ipk', parts, ['./debian-binary', './data.tar.gz']);
    expect(await pyclink(['audit', whole])).toMatchObject({ status: 3, stdout: '' });
  });
});

describe('a program that is not installed', () => {
  it.each([
    ['dpkg-deb', 'dpkg', '!<arch>\n'],
    ['xz', 'xz-utils', '\xfd7zXZ\0'],
    ['zstd', 'zstd', '\x28\xb5\x2f\xfd'],
    ['rpm', 'rpm', '\xed\xab\xee\xdb'],
  ])('is reported with its package: %s', async (program, name, magic) => {
    const file = join(temporaryDirectory(), 'x.bin');
    writeFileSync(file, Buffer.from(magic.padEnd(2000, ' '), 'latin1'));
    const { status, stderr } = await pyclink(['audit', file], { env: { PATH: '/nowhere' } });
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: `pyclink: error: ${file}: cannot be read: ${program} is not installed\n    hint: install ${name}\n`,
    });
  });
});

it('reads a file whose name begins with a dash', async () => {
  const cwd = temporaryDirectory();
  mkdirSync(join(cwd, 'p/DEBIAN'), { recursive: true });
  const control = 'Package: p\nVersion: 1\nArchitecture: all\nMaintainer: P <p@example.org>\nDescription: p\n';
  writeFileSync(join(cwd, 'p/DEBIAN/control'), control);
  await execa('dpkg-deb', ['--build', 'p', './-p.deb'], { cwd });
  expect(await pyclink(['audit', '--', '-p.deb'], { cwd })).toMatchObject({ status: 0, stderr: '' });
});
