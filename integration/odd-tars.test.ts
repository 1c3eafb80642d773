/** Tars as GNU tar and tarfile make them on request, and tars that programs interpret differently. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { plant, plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { builtShop, directory, healthy, pyc, tarOf, verifyShop } from './helpers/shop.ts';

/** A module whose pycs have blocks of zeros. */
const hollow = Array.from({ length: 9 }, (_, i) => `hole${i} = b'${'\\0'.repeat(9000 + i)}'\n`).join('');

/** Two tars one behind the other, or other changes of the bytes of one. */
function change(file: string, by: (bytes: Buffer) => Buffer): void {
  writeFileSync(file, by(readFileSync(file)));
}

/** Changes a header of a tar, and its checksum. */
function changeHeader(bytes: Buffer, name: string, by: (header: Buffer) => void): Buffer {
  const start = bytes.indexOf(name);
  const header = bytes.subarray(start, start + 512);
  by(header);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

describe('verify reads', () => {
  it.each([
    ['in the old GNU format', 'gnu', '0.0', 'S'],
    ['in pax headers, version 0.0', 'posix', '0.0', 'GNU.sparse.numbytes='],
    ['in pax headers, version 0.1', 'posix', '0.1', 'GNU.sparse.map='],
    ['in pax headers, version 1.0', 'posix', '1.0', 'GNU.sparse.realsize='],
  ])('sparse files %s', async (_, format, version, sign) => {
    const buildroot = plantBuildroot({ [`${directory}/hollow.py`]: hollow });
    const manifest = join(buildroot, '../manifest.json');
    expect((await pyclink(['build', '--buildroot', buildroot, '--manifest', manifest])).status).toBe(0);
    const file = join(buildroot, '../hollow.tar');
    await execa('fallocate', ['--dig-holes', join(buildroot, pyc('hollow'))]);
    const args = [`--format=${format}`, '--sparse', `--sparse-version=${version}`, '--hole-detection=raw'];
    await execa('tar', [...args, '-cf', file, '-C', buildroot, '.']);
    expect(readFileSync(file).includes(sign)).toBe(true);
    expect(await pyclink(['verify', '--manifest', manifest, file])).toEqual({
      status: 0,
      stdout: 'pyclink: 3 pycs, 1 link group: all as built\n',
      stderr: '',
    });
    expect((await pyclink(['audit', '--recompile', file])).stdout).toContain(
      '3 pycs confirmed: same code as their recompiled sources',
    );
  });

  it.each(['7', 'Z'])('files of type %s, which are unpacked like all others', async (type) => {
    const shop = await builtShop('--no-link');
    const file = await tarOf(shop, 'layer.tar', 'usr');
    change(file, (bytes) => changeHeader(bytes, pyc('cart').slice(1), (header) => header.write(type, 156)));
    expect((await execa('tar', ['-tvf', file])).stdout).toContain(pyc('cart').slice(1));
    expect((await verifyShop(shop, file)).stdout).toBe('pyclink: 6 pycs, 0 link groups: all as built\n');
  });

  it('a tar older than POSIX', async () => {
    const shop = await builtShop();
    expect(await verifyShop(shop, await tarOf(shop, 'layer.tar', '--format=v7', '.'))).toEqual(healthy);
  });

  it.each([
    ['a tar in the old GNU format', 'gnu'],
    ['a tar with pax headers', 'posix'],
  ])('names that are not UTF-8 in %s', async (_, format) => {
    const shop = await builtShop();
    const place = join(shop.buildroot, directory);
    const script = `import os, sys; open(os.fsencode(sys.argv[1]) + b'/caf\\xe9.cpython-311.pyc', 'wb').write(b'x')`;
    await execa(systemPython.executable, ['-c', script, place]);
    const ran = await verifyShop(shop, await tarOf(shop, 'layer.tar', `--format=${format}`, '.'));
    expect(ran.stdout).toContain(`unrecorded: ${directory}/caf\\xe9.cpython-311.pyc`);
    expect(ran.status).toBe(1);
  });
});

describe('of a tar that programs interpret differently', () => {
  it('verify reads what is unpacked, not what follows the end', async () => {
    const shop = await builtShop();
    const whole = readFileSync(await tarOf(shop, 'whole.tar', '.'));
    writeFileSync(join(shop.buildroot, pyc('cart')), 'another');
    const file = await tarOf(shop, 'changed.tar', '.');
    change(file, (bytes) => Buffer.concat([bytes, whole]));
    const ran = await verifyShop(shop, file);
    expect(ran.stdout).toContain(`damaged: ${pyc('cart')}`);
    expect(ran.status).toBe(1);
  });

  it('verify refuses a size that is not octal from its start', async () => {
    const shop = await builtShop();
    const file = await tarOf(shop, 'layer.tar', 'usr');
    const name = `${directory}/cart.py`.slice(1);
    change(file, (bytes) => changeHeader(bytes, name, (header) => header.write('\0', 124, 'latin1')));
    const ran = await verifyShop(shop, file);
    expect(ran.stderr).toContain('it has a size that programs interpret differently');
    expect(ran).toMatchObject({ status: 3, stdout: '' });
  });

  it.each([
    ['a block of zeros within it', 'it continues after a block of zeros'],
    ['a header that names all files', 'its global header sets a name or size for all files'],
  ])('verify reports that it has %s', async (what, message) => {
    const shop = await builtShop();
    const file = await tarOf(shop, 'layer.tar', '.');
    const [global, pax] = [shop.beside('global.tar'), ['--format=posix', '--pax-option=path=usr/lib/evil.py']];
    plant(shop.buildroot, { empty: '' });
    await execa('tar', [...pax, '-cf', global, '-C', shop.buildroot, 'empty']);
    change(global, (bytes) => bytes.subarray(0, bytes.indexOf('empty')));
    const before = what.includes('zeros') ? Buffer.alloc(512) : readFileSync(global);
    change(file, (bytes) => Buffer.concat([before, bytes]));
    const ran = await verifyShop(shop, file);
    expect(ran.stderr).toContain(message);
    expect(ran).toMatchObject({ status: 3, stdout: '' });
  });

  it('audit refuses a package of opkg with a tree beside its tars', async () => {
    const shop = await builtShop();
    await tarOf(shop, 'data.tar.gz', '--gzip', '.');
    plant(shop.beside('.'), { 'debian-binary': '2.0\n' });
    const args = ['-C', shop.beside('.'), 'debian-binary', './data.tar.gz'];
    await execa('tar', ['-cf', shop.beside('plain.tar'), ...args]);
    expect((await pyclink(['audit', shop.beside('plain.tar')])).status).toBe(0);
    for (const more of [['-C', shop.buildroot, 'usr'], ['./data.tar.gz']]) {
      await execa('tar', ['-cf', shop.beside('both.tar'), '--hard-dereference', ...args, ...more]);
      const ran = await pyclink(['audit', shop.beside('both.tar')]);
      expect(ran.stderr).toMatch(/programs interpret (it )?differently/);
      expect(ran).toMatchObject({ status: 3, stdout: '' });
    }
  });

  it.each(['before', 'behind'])('audit refuses an image with a tree %s it', async (place) => {
    const shop = await builtShop();
    plant(shop.beside('image'), { 'oci-layout': '{}', 'index.json': '{}' });
    const parts = [
      ['-C', shop.beside('image'), 'oci-layout', 'index.json'],
      ['-C', shop.buildroot, 'usr'],
    ];
    if (place === 'before') parts.reverse();
    await execa('tar', ['-cf', shop.beside('both.tar'), ...parts.flat()]);
    const ran = await pyclink(['audit', shop.beside('both.tar')]);
    expect(ran.stderr).toContain('it is an image with files that belong to no image');
    expect(ran).toMatchObject({ status: 3, stdout: '' });
  });
});
