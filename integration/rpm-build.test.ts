import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { linkGroupsIn, type Planted } from '../test/helpers/buildroot.ts';
import {
  describeRpm,
  groupsInRpms,
  importVerbosely,
  installRpms,
  manifestOf,
  pycs,
  queryRpms,
  type RpmBuildOptions,
  rpmbuilt,
  rpmlint,
  site,
  type World,
  worlds,
} from './helpers/rpm.ts';

const epoch = 1_600_000_000;
const plain = 'def pay(price):\n    return price\n';
const asserts = 'def pay(price):\n    assert price\n    return price\n';

/** Public modules, private ones, test data that is no Python, and a part for a subpackage. Half are newer than the epoch. */
const files: Record<string, Planted> = {
  [`${site}/shop/__init__.py`]: { content: '"""Docs."""\n', mtime: epoch - 9 },
  [`${site}/shop/cart.py`]: { content: plain, mtime: epoch + 9 },
  [`${site}/shop/tests/data/bad.py`]: 'def (\n',
  [`${site}/shop/till/__init__.py`]: { content: '', mtime: epoch + 9.5 },
  [`${site}/shop/till/pay.py`]: { content: asserts, mtime: epoch - 9.5 },
  '/usr/share/shop/plugin.py': { content: plain, mtime: epoch + 9 },
};

const shop: RpmBuildOptions = {
  preamble: '%global _python_bytecompile_errors_terminate_build 0',
  plant: files,
  install: '%py_byte_compile /usr/bin/python3 %{buildroot}/usr/share/shop',
  files: `
/usr/share/shop
%dir ${site}/shop
${site}/shop/*.py
${site}/shop/__pycache__
${site}/shop/tests`,
  subpackages: { till: `\n${site}/shop/till` },
  // The time of the epoch.
  end: '%changelog\n* Sun Sep 13 12:26:40 UTC 2020 Shop <shop@example.org> - 1.0-1\n- Open.',
};

const linked = ['/usr/share/shop/plugin.py', '__init__.py', 'cart.py', 'till/__init__.py'].map((name) =>
  name.startsWith('/') ? name : `${site}/shop/${name}`,
);
const expectedGroups = [
  ...linked.map((source) => pycs(source).sort()),
  ...pycs(`${site}/shop/till/pay.py`).map((pyc) => [pyc]),
].sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));

/** Ways to be told of an epoch and of clamping: environment, macros. */
const clampings: readonly (readonly [string, Record<string, string>, Record<string, string>, string?])[] = [
  ['no epoch', {}, {}],
  ['no epoch, told to clamp', {}, { clamp_mtime_to_source_date_epoch: '1' }],
  ['an epoch, not told to clamp', { SOURCE_DATE_EPOCH: `${epoch}` }, { clamp_mtime_to_source_date_epoch: '0' }],
  ['an epoch, told to clamp', { SOURCE_DATE_EPOCH: `${epoch}` }, { clamp_mtime_to_source_date_epoch: '1' }],
  ['an epoch and a policy', { SOURCE_DATE_EPOCH: `${epoch}` }, { build_mtime_policy: 'clamp_to_source_date_epoch' }],
  // rpm 4.20 sets the variable by itself, to a time that is not known here.
  [
    'the time of the build to clamp to, and a later epoch',
    { SOURCE_DATE_EPOCH: `${epoch + 5}` },
    { build_mtime_policy: 'clamp_to_buildtime' },
    `export RPM_BUILD_TIME=${epoch}\n`,
  ],
  ['no time of the build, told to clamp to it', {}, { build_mtime_policy: 'clamp_to_buildtime' }],
  [
    'an epoch from the changelog, told to clamp',
    {},
    { clamp_mtime_to_source_date_epoch: '1', source_date_epoch_from_changelog: '1' },
  ],
];

async function expectShop(rpms: readonly string[]): Promise<void> {
  expect(await groupsInRpms(rpms)).toEqual(expectedGroups);
  const root = await installRpms(rpms);
  expect(linkGroupsIn(root).map((group) => group.map((path) => `/${path}`))).toEqual(expectedGroups);
  for (const flags of [[], ['-O']]) {
    const modules = ['shop', 'shop.cart', 'shop.till', 'shop.till.pay'];
    expect(await importVerbosely(root, site, modules, ...flags)).toEqual({ matches: 4, complaints: [] });
    expect(await importVerbosely(root, '/usr/share/shop', ['plugin'], ...flags)).toEqual({
      matches: 1,
      complaints: [],
    });
  }
}

describeRpm('a build with the macro file', () => {
  it.each(worlds)('compiles, links, and keeps the links at installation (%s)', async (world) => {
    const build = await rpmbuilt({ ...shop, world });
    expect(build.rpms.length).toBe(2);
    await expectShop(build.rpms);
    expect(manifestOf(build).skipped).toEqual([
      {
        path: `${site}/shop/tests/data/bad.py`,
        reason: 'does-not-compile',
        message: expect.stringContaining('line 1'),
      },
    ]);
  });

  const loaded = ['debian', 'fedora'] as const;
  const cases = loaded.flatMap((world) =>
    clampings.map(([name, env, defines, begin = '']) => [world, name, env, defines, begin] as const),
  );
  it.each(cases)('has no stale pycs on %s with %s', async (world: World, _name, env, defines, begin) => {
    const build = await rpmbuilt({ ...shop, world, env, defines, install: `${begin}${shop.install}` });
    await expectShop(build.rpms);
    const knows = 'source_date_epoch_from_changelog' in defines || Object.keys(env).length > 0;
    const clamps = knows && Object.values(defines)[0] !== '0';
    const mtimes = await queryRpms(build.rpms, '[%{FILENAMES}\\t%{FILEMTIMES}\\n]');
    expect(mtimes).toContain(`${site}/shop/cart.py\t${clamps ? epoch : epoch + 9}`);
    expect(mtimes).toContain(`${site}/shop/till/pay.py\t${epoch - 10}`);
  });

  it('gives rpmlint nothing to report about bytecode or links', async () => {
    const env = { SOURCE_DATE_EPOCH: `${epoch}` };
    const build = await rpmbuilt({ ...shop, env, defines: { clamp_mtime_to_source_date_epoch: '1' } });
    expect(await rpmlint(build.rpms)).toEqual([]);
  });

  it('would be reported by rpmlint if the sources were not clamped first', async () => {
    const env = { SOURCE_DATE_EPOCH: `${epoch}` };
    const defines = { clamp_mtime_to_source_date_epoch: '1', pyclink_options: '--mtime-policy=keep' };
    const build = await rpmbuilt({ ...shop, env, defines });
    expect(new Set(await rpmlint(build.rpms))).toEqual(new Set(['python-bytecode-inconsistent-mtime']));
  });

  it.each(worlds)(
    'gives the same payload and manifest in another directory, with another number of jobs (%s)',
    async (world) => {
      const inTwo = await Promise.all(
        ['1', '3'].map((jobs) => {
          const env = { SOURCE_DATE_EPOCH: `${epoch}`, RPM_BUILD_NCPUS: jobs };
          return rpmbuilt({ ...shop, world, env, defines: { clamp_mtime_to_source_date_epoch: '1' } });
        }),
      );
      const [one, two] = await Promise.all(
        inTwo.map(async (build) => ({
          payloads: await queryRpms(build.rpms, '%{NAME} %{PAYLOADDIGEST} %{PAYLOADDIGESTALT}\\n'),
          files: await queryRpms(
            build.rpms,
            '[%{FILENAMES} %{FILEDIGESTS} %{FILEINODES} %{FILEMTIMES} %{FILEMODES}\\n]',
          ),
          manifest: readFileSync(build.manifest, 'utf8'),
        })),
      );
      expect(one?.payloads.length).toBe(2);
      expect(two).toEqual(one);
      expect(one?.manifest).not.toContain(inTwo[0]?.directory);
    },
  );
});
