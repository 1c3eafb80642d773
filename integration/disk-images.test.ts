/** File systems in files, which other programs extract. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { pyclink } from '../test/helpers/pyclink.ts';
import { builtShop, directory, healthy, type Shop, verifyShop } from './helpers/shop.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const makers = {
  squashfs: (from: string, file: string) => execa('mksquashfs', [from, file, '-quiet', '-no-progress']),
  erofs: (from: string, file: string) => execa('mkfs.erofs', [file, from]),
};
type Kind = keyof typeof makers;

async function imageOf(shop: Shop, kind: Kind): Promise<string> {
  const file = shop.beside(`shop.${kind}`);
  await makers[kind](shop.buildroot, file);
  return file;
}

const missing = missingTools('mksquashfs', 'unsquashfs', 'mkfs.erofs', 'fsck.erofs', 'dump.erofs');

describeWith(missing, 'an image', () => {
  it.each(['squashfs', 'erofs'] as const)('of %s is verified, and leaves nothing behind', async (kind) => {
    const shop = await builtShop('--invalidation-mode', 'checked-hash');
    const file = await imageOf(shop, kind);
    const scratch = mkdtempSync(join(tmpdir(), 'pyclink-test-'));
    try {
      const env = { TMPDIR: scratch };
      expect(await pyclink(['verify', '--manifest', shop.manifest, file], { env })).toEqual(healthy);
      const audited = await pyclink(['audit', '--recompile', file], { env });
      expect(audited.stdout).toContain('6 pycs confirmed: same code as their recompiled sources');
      expect(audited.status).toBe(0);
      expect(readdirSync(scratch)).toEqual([]);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });

  it.each(['squashfs', 'erofs'] as const)('of %s has its findings by installed paths', async (kind) => {
    const shop = await builtShop();
    writeFileSync(join(shop.buildroot, directory, 'evil.pyc'), '');
    const { status, stdout } = await verifyShop(shop, await imageOf(shop, kind));
    expect(stdout).toContain(`unrecorded: ${directory}/evil.pyc`);
    expect(status).toBe(1);
  });

  it('whose source has another name before it is compiled again', async () => {
    const shop = await builtShop('--invalidation-mode', 'checked-hash');
    await execa('ln', [join(shop.buildroot, directory, 'cart.py'), join(shop.buildroot, directory, 'a.so')]);
    const audited = await pyclink(['audit', '--recompile', await imageOf(shop, 'squashfs')]);
    expect(audited.stdout).toContain('6 pycs confirmed: same code as their recompiled sources');
  });

  it('of erofs with a line break in a name is an error', async () => {
    const shop = await builtShop();
    writeFileSync(join(shop.buildroot, directory, 'a\n        99    1  b.py'), '');
    const ran = await pyclink(['audit', await imageOf(shop, 'erofs')]);
    expect(ran.stderr).toContain('has a name with a line break');
    expect(ran).toMatchObject({ status: 3, stdout: '' });
  });

  it.each([
    ['squashfs', /unsquashfs is not installed\n {4}hint: install squashfs-tools\n$/],
    ['erofs', /dump\.erofs is not installed\n {4}hint: install erofs-utils\n$/],
  ] as const)('of %s needs its program, and reports which package has it', async (kind, message) => {
    const shop = await builtShop();
    const ran = await pyclink(['audit', await imageOf(shop, kind)], { env: { PATH: '/nonexistent' } });
    expect(ran.stderr).toMatch(message);
    expect(ran).toMatchObject({ status: 3, stdout: '' });
  });

  it.each(['squashfs', 'erofs'] as const)('of %s that is damaged or too large is an error', async (kind) => {
    const shop = await builtShop();
    const file = await imageOf(shop, kind);
    const ran = await pyclink(['audit', '--max-size', '100', file]);
    expect(ran.stderr).toContain('--max-size and --max-entries raise the limits');
    expect(ran.status).toBe(3);
    writeFileSync(file, readFileSync(file).subarray(0, kind === 'erofs' ? 1100 : 500));
    expect(await pyclink(['audit', file])).toMatchObject({ status: 3, stdout: '' });
  });

  it('with a device is read by an ordinary user', async () => {
    const shop = await builtShop();
    await execa('mknod', [join(shop.buildroot, 'null'), 'c', '1', '3']);
    const file = await imageOf(shop, 'squashfs');
    chmodSync(dirname(file), 0o755);
    const ran = await pyclink(['verify', '--manifest', shop.manifest, file], { uid: 65534 });
    expect(ran).toEqual(healthy);
  });
});
