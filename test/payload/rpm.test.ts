import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeRpm, pycs, rpmbuilt, site } from '../../integration/helpers/rpm.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import { defaultReadLimits } from '../../src/payload/budget.ts';
import type { Wanted } from '../../src/payload/entry.ts';
import { readRpm } from '../../src/payload/rpm.ts';
import { temporaryDirectory } from '../helpers/buildroot.ts';

const readRpms = async (files: readonly string[], what: Wanted) =>
  (await Promise.all(files.map((file) => readRpm(file, what, defaultReadLimits)))).flat();

const cart = `${site}/cart.py`;
const [cart0 = '', cart1 = ''] = pycs(cart);
const text = 'def pay(price):\n    return price\n';
const plant = { [cart]: { content: text, mtime: 1_600_000_000.5 } };

function wanted(
  pycPaths: readonly string[],
  sources: readonly string[] = [],
  hashMagicNumbers: readonly number[] = [],
): Wanted {
  return { pycs: new Set(pycPaths as PayloadPath[]), sources: new Set(sources as PayloadPath[]), hashMagicNumbers };
}

describeRpm('readRpm', () => {
  it('gives what the header records and what the payload stores, under both names of a link', async () => {
    const { rpms } = await rpmbuilt({ plant });
    const entries = await readRpms(rpms, wanted([cart0, cart1], [cart]));
    const byPath = new Map(entries.map((entry) => [String(entry.path), entry]));
    expect([...byPath.keys()].sort()).toEqual([cart0, cart1, cart].sort());
    const common = { container: 'shop-1.0-1.noarch', isGhost: false, mode: 0o644, owner: 'root:root' };
    expect(byPath.get(cart)).toEqual({
      ...common,
      path: cart,
      inode: expect.stringMatching(/^\d+:\d+$/),
      sizeBytes: text.length,
      mtimeSeconds: 1_600_000_000,
    });
    const header = { invalidationMode: 'timestamp', sourceMtimeSeconds: 1_600_000_000, sourceSizeBytes: text.length };
    const pyc = { ...common, header: expect.objectContaining(header), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) };
    expect(byPath.get(cart0)).toMatchObject(pyc);
    expect(byPath.get(cart1)).toEqual({ ...byPath.get(cart0), path: cart1 });
    expect(byPath.get(cart)?.inode).not.toBe(byPath.get(cart0)?.inode);
  });

  it('marks ghosts, which have no content', async () => {
    const files = `\n${cart}\n${cart0}\n%ghost ${cart1}`;
    const { rpms } = await rpmbuilt({ plant, files });
    const [ghost] = await readRpms(rpms, wanted([cart1]));
    expect(ghost).toMatchObject({ path: cart1, isGhost: true });
    expect(ghost).not.toHaveProperty('sha256');
  });

  it('gives modes and owners as the header has them', async () => {
    const files = `\n${cart}\n%attr(4710,till,shop) ${cart0}\n${cart1}`;
    const { rpms } = await rpmbuilt({ plant, files });
    const entries = await readRpms(rpms, wanted([cart0, cart1]));
    const seen = entries.map(({ path, mode, owner }) => [path, mode.toString(8), owner]);
    expect(seen.sort()).toEqual(
      [
        [cart1, '644', 'root:root'],
        [cart0, '4710', 'till:shop'],
      ].sort(),
    );
  });

  it('keeps the packages of a build apart', async () => {
    const { rpms } = await rpmbuilt({ plant, subpackages: { too: '\n/usr' } });
    const entries = await readRpms(rpms, wanted([cart0]));
    expect(entries.map(({ container }) => container).sort()).toEqual(['shop-1.0-1.noarch', 'shop-too-1.0-1.noarch']);
  });

  it('computes source hashes where they are needed', async () => {
    const { rpms } = await rpmbuilt({ plant });
    const [source] = await readRpms(rpms, wanted([], [cart], [3495]));
    expect(source?.sourceHashes?.get(3495)).toMatch(/^[0-9a-f]{16}$/);
  });

  it('looks for what is wanted and for nothing else', async () => {
    const { rpms } = await rpmbuilt({ plant });
    expect(await readRpms(rpms, wanted([]))).toEqual([]);
    expect(await readRpms(rpms, wanted(['/missing.pyc', site]))).toEqual([]);
  });

  it('reads a file whose name begins with a dash or has a space', async () => {
    const { rpms, topdir } = await rpmbuilt({ plant, defines: { _build_name_fmt: '-- %%{NAME} x.rpm' } });
    expect(rpms).toEqual([join(topdir, 'RPMS/-- shop x.rpm')]);
    expect((await readRpms(rpms, wanted([cart0]))).length).toBe(1);
  });

  describe('of what it cannot read', () => {
    it.each([
      ['that is not there', undefined],
      ['that is no package', 'text'],
    ])('names a file %s', async (_, content) => {
      const file = join(temporaryDirectory(), 'no.rpm');
      if (content !== undefined) writeFileSync(file, content);
      const error = { code: 'tool-failed', path: file, exitStatus: 3 };
      await expect(readRpms([file], wanted([cart0]))).rejects.toMatchObject(error);
    });
  });
});
