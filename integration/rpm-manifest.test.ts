import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pyclink } from '../test/helpers/pyclink.ts';
import { describeRpm, manifestOf, pycs, type RpmBuild, rpmbuild, rpmbuilt, site } from './helpers/rpm.ts';

const worlds = ['debian', 'fedora'] as const;
const text = 'def pay(price):\n    return price\n';
const [cart, till, plugin] = [`${site}/shop/cart.py`, `${site}/shop/till.py`, '/usr/share/shop/plugin.py'];
const install = '%py_byte_compile /usr/bin/python3 %{buildroot}/usr/share/shop';

const sourcesIn = (build: RpmBuild) => manifestOf(build).linkGroups.map(({ source }) => source);

describeRpm('the manifest of a build', () => {
  it.each(worlds)('(%s) covers py_byte_compile and the step that ends install', async (world) => {
    const build = await rpmbuilt({ world, plant: { [cart]: text, [plugin]: text }, install });
    const groups = [cart, plugin].map((source) => ({ source, paths: pycs(source).sort() }));
    expect(manifestOf(build).linkGroups).toMatchObject(groups);
    expect(manifestOf(build).totals).toMatchObject({ pycs: 4, linkGroups: 2, links: 2 });
    expect((await pyclink(['verify', '--manifest', build.manifest, ...build.rpms])).status).toBe(0);
  });

  it.each(worlds)('is the same whatever the order of the runs (%s)', async (world) => {
    const plant = { [cart]: text, [plugin]: text, '/opt/shop/a.py': text };
    const calls = ['/usr/share/shop', '/opt/shop', `${site}/shop`].map(
      (path) => `%py_byte_compile /usr/bin/python3 %{buildroot}${path}`,
    );
    const files = '\n/usr\n/opt';
    const env = { SOURCE_DATE_EPOCH: '1000000000' };
    const defines = { clamp_mtime_to_source_date_epoch: '1' };
    const options = { world, plant, files, env, defines };
    const one = await rpmbuilt({ ...options, install: calls.join('\n') });
    const two = await rpmbuilt({ ...options, install: calls.toReversed().join('\n') });
    expect(readFileSync(two.manifest, 'utf8')).toBe(readFileSync(one.manifest, 'utf8'));
    expect(sourcesIn(one)).toEqual(['/opt/shop/a.py', cart, plugin]);
  });

  it.each(worlds)('contains nothing stale when a changed spec is built in the same place (%s)', async (world) => {
    const first = await rpmbuilt({ world, plant: { [cart]: text, [till]: text, [plugin]: text }, install });
    expect(sourcesIn(first)).toEqual([cart, till, plugin]);
    const changed = `rm -r %{buildroot}${till} %{buildroot}/usr/share/shop`;
    const { directory } = first;
    const second = await rpmbuilt({ world, directory, install: changed });
    expect(sourcesIn(second)).toEqual([cart]);
    expect((await pyclink(['verify', '--manifest', second.manifest, ...second.rpms])).status).toBe(0);
  });

  it.each(worlds)('of an earlier build may be broken (%s)', async (world) => {
    const first = await rpmbuilt({ world, plant: { [cart]: text } });
    writeFileSync(first.manifest, '{');
    const second = await rpmbuilt({ world, directory: first.directory });
    expect(sourcesIn(second)).toEqual([cart]);
  });

  it.each(worlds)('is removed by a build whose spec turns pyclink off (%s)', async (world) => {
    const first = await rpmbuilt({ world, plant: { [cart]: text } });
    const preamble = '%undefine py_auto_byte_compile';
    const second = await rpmbuilt({ world, directory: first.directory, preamble });
    expect(existsSync(second.manifest)).toBe(false);
  });

  it('of another version is not changed', async () => {
    const first = await rpmbuilt({ plant: { [cart]: text } });
    const before = readFileSync(first.manifest, 'utf8');
    const second = await rpmbuilt({ directory: first.directory, version: '1.1', install: `rm %{buildroot}${cart}` });
    expect(readFileSync(first.manifest, 'utf8')).toBe(before);
    expect(second.manifest).not.toBe(first.manifest);
  });

  it.each(worlds)(
    'goes where the spec says, also with a quote and a space in the name, or nowhere (%s)',
    async (world) => {
      const named = await rpmbuilt({
        world,
        plant: { [cart]: text },
        preamble: "%global pyclink_manifest %{_topdir}/the shop's.json",
      });
      expect(existsSync(named.manifest)).toBe(false);
      expect(sourcesIn({ ...named, manifest: join(named.topdir, "the shop's.json") })).toEqual([cart]);
      const none = await rpmbuilt({ world, plant: { [cart]: text }, preamble: '%global pyclink_manifest %{nil}' });
      expect(existsSync(none.manifest)).toBe(false);
    },
  );

  it.each(worlds)('inside the buildroot is refused (%s)', async (world) => {
    const preamble = '%global pyclink_manifest %{buildroot}/usr/manifest.json';
    const build = await rpmbuild({ world, plant: { [cart]: text }, preamble });
    expect(build).toMatchObject({ status: 1, rpms: [] });
    expect(build.log).toContain('manifest.json: is inside the buildroot and would be packaged');
  });
});
