import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultReadLimits } from '../src/payload/budget.ts';
import { searchRpm } from '../src/payload/rpm.ts';
import { searchTargets } from '../src/payload/targets.ts';
import { temporaryDirectory } from '../test/helpers/buildroot.ts';
import { searchFor } from '../test/helpers/payload.ts';
import { describeRpm, pycs, rpmbuilt, site } from './helpers/rpm.ts';

async function searched(rpms: readonly string[], paths: readonly string[]) {
  const { search, taken } = searchFor(/(?!)/, paths);
  const contents = await Promise.all(rpms.map((file) => searchRpm(file, search, defaultReadLimits)));
  const entries = contents.flatMap((one) => one.entries);
  return { entries, taken, byPath: new Map(entries.map((entry) => [String(entry.path), entry])) };
}

const cart = `${site}/cart.py`;
const [cart0 = '', cart1 = ''] = pycs(cart);
const text = 'def pay(price):\n    return price\n';
const plant = { [cart]: { content: text, mtime: 1_600_000_000.5 } };

describeRpm('readRpm', () => {
  it('gives what the header records and what the payload stores, once for both names of a link', async () => {
    const { rpms } = await rpmbuilt({ plant });
    const { byPath, taken } = await searched(rpms, [cart0, cart1, cart]);
    expect([...byPath.keys()].sort()).toEqual([cart0, cart1, cart].sort());
    const common = { type: 'file', container: 'shop-1.0-1.noarch', mode: 0o644, owner: 'root:root' };
    expect(byPath.get(cart)).toEqual({
      ...common,
      path: cart,
      file: expect.stringMatching(/\0\d+:\d+$/),
      sizeBytes: text.length,
      mtimeSeconds: 1_600_000_000,
    });
    expect(byPath.get(cart1)).toEqual({ ...byPath.get(cart0), path: cart1 });
    expect(byPath.get(cart)?.file).not.toBe(byPath.get(cart0)?.file);
    expect(taken.size).toBe(2);
    expect(String(taken.get(cart))).toBe(text);
  });

  it('marks ghosts, which have no content', async () => {
    const files = `\n${cart}\n${cart0}\n%ghost ${cart1}`;
    const { rpms } = await rpmbuilt({ plant, files });
    const { entries, taken } = await searched(rpms, [cart1]);
    expect(entries).toMatchObject([{ path: cart1, isGhost: true }]);
    expect(taken.size).toBe(0);
  });

  it('gives modes and owners as the header has them', async () => {
    const files = `\n${cart}\n%attr(4710,till,shop) ${cart0}\n${cart1}`;
    const { rpms } = await rpmbuilt({ plant, files });
    const { entries } = await searched(rpms, [cart0, cart1]);
    const seen = entries.map(({ path, mode, owner }) => [path, mode.toString(8), owner]);
    expect(seen.sort()).toEqual(
      [
        [cart1, '644', 'root:root'],
        [cart0, '4710', 'till:shop'],
      ].sort(),
    );
  });

  it('does not read lines of a symlink target as files, and keeps the target', async () => {
    const target = `y'\n${cart}.py\t77\t1\t0\t33188\troot:root\t4\t0\tx`;
    const odd = { [`${site}/it's é.py`]: 'x = 1\n' };
    const { rpms } = await rpmbuilt({ plant: { ...plant, ...odd, [`${site}/forged`]: { symlink: target } } });
    const { entries } = await searched(rpms, [`${cart}.py`, ...Object.keys(odd)]);
    expect(entries.map(({ path, type, target: said }) => [path, type, said])).toEqual([
      [`${site}/forged`, 'symlink', target],
      [`${site}/it's é.py`, 'file', undefined],
    ]);
  });

  it('keeps the packages of a build apart', async () => {
    const { rpms } = await rpmbuilt({ plant, subpackages: { too: '\n/usr' } });
    const { entries } = await searched(rpms, [cart0]);
    expect(entries.map(({ container }) => container).sort()).toEqual(['shop-1.0-1.noarch', 'shop-too-1.0-1.noarch']);
  });

  it('searches only for what is requested', async () => {
    const { rpms } = await rpmbuilt({ plant });
    expect((await searched(rpms, ['/missing.pyc'])).entries).toEqual([]);
    expect((await searched(rpms, [site])).entries).toMatchObject([{ path: site, type: 'directory' }]);
  });

  it('reads a file whose name begins with a dash or has a space', async () => {
    const { rpms, topdir } = await rpmbuilt({ plant, defines: { _build_name_fmt: '-- %%{NAME} x.rpm' } });
    expect(rpms).toEqual([join(topdir, 'RPMS/-- shop x.rpm')]);
    expect((await searched(rpms, [cart0])).taken.size).toBe(1);
  });

  describe('of unreadable packages', () => {
    it.each([
      ['that is not there', undefined, { code: 'usage', exitStatus: 2 }],
      ['that is no package', 'text', { code: 'tool-failed', exitStatus: 3 }],
    ])('reports a file %s', async (_, content, error) => {
      const file = join(temporaryDirectory(), 'no.rpm');
      if (content !== undefined) writeFileSync(file, content);
      const read = searchTargets([file], searchFor(/(?!)/).search, {});
      await expect(read).rejects.toMatchObject({ ...error, path: file });
    });
  });
});
