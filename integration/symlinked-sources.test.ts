/** Sources that are symlinks to programs, in packages and archives: no glob for Python files names their targets. */
import { symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, describe, expect, it } from 'vitest';
import { plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { debOf, directory, type Shop, tarOf, verifyShop } from './helpers/shop.ts';

const program = '/usr/share/tool/tool';

async function zipOf(shop: Shop): Promise<string> {
  const file = shop.beside('shop.zip');
  await execa('zip', ['-qry', file, 'usr'], { cwd: shop.buildroot });
  return file;
}

/** A package with a module that is a symlink to a program, built. */
async function builtTool(): Promise<Shop> {
  const mtime = 1_600_000_000;
  const buildroot = plantBuildroot({
    [`${directory}/cart.py`]: { content: 'items = []\n', mtime },
    [program]: { content: 'total = 0\n', mtime },
  });
  symlinkSync('../../../share/tool/tool', join(buildroot, directory, 'tool.py'));
  const beside = (name: string) => join(buildroot, '..', name);
  const manifest = beside('manifest.json');
  expect((await pyclink(['build', '--buildroot', buildroot, '--manifest', manifest])).status).toBe(0);
  return { buildroot, manifest, beside };
}

describe.each<[string, (shop: Shop) => Promise<string>]>([
  ['tar', (shop) => tarOf(shop, 'shop.tar', '.')],
  ['deb', (shop) => debOf(shop, 'shop.deb')],
  ['zip', zipOf],
])('a source that is a symlink to a program, in a %s', (_, pack) => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await builtTool();
  });

  it('is read', async () => {
    const target = await pack(shop);
    // A zip has no hard links.
    expect((await verifyShop(shop, target)).stdout).not.toMatch(/^(?!pyclink: |unlinked: |$)/m);
    const { stdout } = await pyclink(['audit', '--recompile', target]);
    expect(stdout).toContain('pyclink: 6 pycs confirmed: same code as their recompiled sources\n');
    expect(stdout).not.toMatch(/^(?:orphan|stale|differs)/m);
  });

  it('is compared', async () => {
    const path = join(shop.buildroot, program);
    writeFileSync(path, 'total = 1\n');
    utimesSync(path, 1_600_000_000, 1_600_000_000);
    const target = await pack(shop);
    expect(await verifyShop(shop, target)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('source-changed'),
    });
    expect((await pyclink(['audit', '--recompile', target])).stdout).toContain('differs: 3');
    utimesSync(path, 1_600_000_100, 1_600_000_100);
    const later = await pack(shop);
    expect((await verifyShop(shop, later)).stdout).toContain('stale');
    expect((await pyclink(['audit', later])).stdout).toContain('stale: 3');
  });
});
