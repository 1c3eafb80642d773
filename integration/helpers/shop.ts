import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { plant, plantBuildroot } from '../../test/helpers/buildroot.ts';
import { pyclink } from '../../test/helpers/pyclink.ts';
import { systemPython } from '../../test/helpers/pythons.ts';

/** Where the modules of the shop are. */
export const directory = '/usr/lib/python3/dist-packages';

/** What verify says of the shop if nothing is wrong. */
export const healthy = { status: 0, stdout: 'pyclink: 6 pycs, 2 link groups: all as built\n', stderr: '' };

/** Two modules, built. */
export interface Shop {
  readonly buildroot: string;
  readonly manifest: string;
  /** A file beside the buildroot. */
  beside(name: string): string;
}

/** Builds two modules. @param more options of build */
export async function builtShop(...more: string[]): Promise<Shop> {
  const buildroot = plantBuildroot({
    [`${directory}/cart.py`]: { content: '"""Docs."""\nitems = []\n', mtime: 1_600_000_000 },
    [`${directory}/till.py`]: { content: 'total = 0\n', mtime: 1_600_000_000 },
  });
  const beside = (name: string) => join(buildroot, '..', name);
  const manifest = beside('manifest.json');
  expect((await pyclink(['build', '--buildroot', buildroot, '--manifest', manifest, ...more])).status).toBe(0);
  return { buildroot, manifest, beside };
}

/** Runs verify with the manifest of a shop. */
export function verifyShop({ manifest }: Shop, ...targets: string[]) {
  return pyclink(['verify', '--manifest', manifest, ...targets]);
}

/** The path of a pyc. */
export function pyc(name: string, suffix = ''): string {
  return `${directory}/__pycache__/${name}.${systemPython.cacheTag}${suffix}.pyc`;
}

/** Packs a shop with tar. */
export async function tarOf(shop: Shop, name: string, ...args: string[]): Promise<string> {
  const file = shop.beside(name);
  await execa('tar', ['--create', '--file', file, '--directory', shop.buildroot, ...args]);
  return file;
}

/** Packs a shop as a Debian package. */
export async function debOf(shop: Shop, name: string): Promise<string> {
  const control = 'Package: shop\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: shop\n';
  plant(shop.buildroot, { 'DEBIAN/control': control });
  await execa('dpkg-deb', ['--root-owner-group', '--build', shop.buildroot, shop.beside(name)]);
  return shop.beside(name);
}
