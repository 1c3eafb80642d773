import { describe, expect, it } from 'vitest';
import { pyclink } from '../test/helpers/pyclink.ts';
import { describeRpm, pycs, type RpmBuild, type RpmBuildOptions, rpmbuilt, site } from './helpers/rpm.ts';

const text = 'def pay(price):\n    return price\n';
const cart = `${site}/shop/cart.py`;
const till = `${site}/shop/till.py`;
const [cart0 = '', cart1 = ''] = pycs(cart);
const [till0 = '', till1 = ''] = pycs(till);
const plant = { [cart]: { content: text, mtime: 1_600_000_000 }, [till]: text };
const both = ['', cart, till, till0, till1].join('\n');

function verify({ manifest, rpms }: RpmBuild, ...more: string[]) {
  return pyclink(['verify', '--manifest', manifest, ...rpms, ...more]);
}

const verdict = (findings: number) =>
  `pyclink: 4 pycs, 2 link groups: ${findings === 1 ? '1 finding' : `${findings} findings`}\n`;
const healthy = { status: 0, stdout: 'pyclink: 4 pycs, 2 link groups: all as built\n', stderr: '' };

/** The packages of a build that `rpmbuilt` made of these options, and what verify has to say. */
const cases: readonly (readonly [string, RpmBuildOptions, readonly string[]])[] = [
  [
    'a group that is split over subpackages',
    { files: `${both}\n${cart0}`, subpackages: { fast: `\n${cart1}` } },
    [
      `split: ${cart1}: in shop-fast-1.0-1.noarch, but ${cart0} is in shop-1.0-1.noarch`,
      `split: ${cart0}: in shop-1.0-1.noarch, but ${cart1} is in shop-fast-1.0-1.noarch`,
    ],
  ],
  [
    'a member that is a ghost',
    { files: `${both}\n${cart0}\n%ghost ${cart1}` },
    [`ghosted: ${cart1}: the package lists it, but does not store it`],
  ],
  [
    'a member with another mode',
    { files: `${both}\n${cart0}\n%attr(0600,-,-) ${cart1}` },
    [
      `unreadable: ${cart1}: mode 0600, its source has 0644`,
      `metadata-differs: ${cart0}: mode 0644 owner root:root, ${cart1} has mode 0600 owner root:root`,
    ],
  ],
  [
    'a member with another owner',
    { files: `${both}\n${cart0}\n%attr(-,shop,-) ${cart1}` },
    [`metadata-differs: ${cart0}: mode 0644 owner root:root, ${cart1} has mode 0644 owner shop:root`],
  ],
  [
    'a member that is left out',
    { files: `${both}\n${cart0}\n%exclude ${cart1}` },
    [`missing: ${cart1}: in the manifest, but not in the payload`],
  ],
  [
    'a source that is left out',
    { files: `\n${site}/shop\n%exclude ${cart}` },
    [`missing: ${cart}: in the manifest, but not in the payload, although its pycs are`],
  ],
];

/** What a step after pyclink's does to the buildroot. */
const laterSteps: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'a source with another mtime',
    `touch -d @1600000001 %{buildroot}${cart}`,
    [cart1, cart0].map(
      (pyc) => `stale: ${pyc}: it records mtime 2020-09-13T12:26:40Z, the source has 2020-09-13T12:26:41Z`,
    ),
  ],
  [
    'a source with another size',
    `echo >> %{buildroot}${cart}; touch -d @1600000000 %{buildroot}${cart}`,
    [cart1, cart0].map((pyc) => `stale: ${pyc}: it records ${text.length} bytes, the source has ${text.length + 1}`),
  ],
  [
    'a link that a copy broke',
    `cp -p %{buildroot}${cart0} copy; mv copy %{buildroot}${cart0}`,
    [`unlinked: ${cart0}: not the same file as ${cart1}`],
  ],
  [
    'bytes that were changed, under each name',
    `echo >> %{buildroot}${cart0}`,
    [cart1, cart0].map((pyc) => `damaged: ${pyc}: SHA-256 mismatch`),
  ],
];

describeRpm('verify of packages', () => {
  it('has no findings for a healthy one', async () => {
    expect(await verify(await rpmbuilt({ plant }))).toEqual(healthy);
  });

  it.each(['w9.gzdio', 'w6.xzdio', 'w7.bzdio', 'w.ufdio', 'w19.zstdio'])(
    'reads a payload that is stored as %s',
    async (io) => {
      expect(await verify(await rpmbuilt({ plant, defines: { _binary_payload: io } }))).toEqual(healthy);
    },
  );

  it.each(['checked-hash', 'unchecked-hash'])('has no findings for %s pycs', async (mode) => {
    const later = `touch -d @1600000001 %{buildroot}${cart}`;
    const defines = { pyclink_options: `--invalidation-mode ${mode}` };
    expect(await verify(await rpmbuilt({ plant, defines, ...lastly(later) }))).toEqual(healthy);
    const changed = await rpmbuilt({ plant, defines, ...lastly(`echo >> %{buildroot}${cart}`) });
    const lines = [cart1, cart0].map((pyc) => `stale: ${pyc}: the hash of the source does not match\n`);
    expect(await verify(changed)).toEqual({ status: 1, stdout: lines.join('') + verdict(2), stderr: '' });
  });

  it('has no findings for subpackages that split no group, and one without bytecode', async () => {
    const files = ['', cart, cart0, cart1].join('\n');
    const subpackages = { till: `\n${till}\n${till0}\n${till1}`, doc: '\n/usr/share/doc/shop' };
    const build = await rpmbuilt({ plant: { ...plant, '/usr/share/doc/shop': 'Read me.\n' }, files, subpackages });
    expect(build.rpms.length).toBe(3);
    const doc = build.rpms.find((rpm) => rpm.includes('/shop-doc-'));
    const unrelated = `pyclink: ${doc}: it contains no pyc of the manifest\n`;
    expect(await verify(build)).toEqual({ ...healthy, stdout: `${unrelated}${healthy.stdout}` });
    const [withoutTill] = build.rpms.filter((rpm) => rpm.includes('/shop-1.0'));
    const alone = await pyclink(['verify', '--manifest', build.manifest, withoutTill ?? '']);
    const left = 'pyclink: 1 module of the manifest without source and pycs in the payload\n';
    expect(alone).toEqual({ ...healthy, stdout: left + healthy.stdout });
  });

  it('has no findings for two subpackages with the same files', async () => {
    const build = await rpmbuilt({ plant, subpackages: { too: '\n/usr' } });
    expect(build.rpms.length).toBe(2);
    expect(await verify(build)).toEqual(healthy);
  });

  it('has no findings for a group of only ghosts', async () => {
    const files = `${both}\n%ghost ${cart0}\n%ghost ${cart1}`;
    expect(await verify(await rpmbuilt({ plant, files }))).toEqual(healthy);
  });

  it('has no findings for a group that a later step enlarged', async () => {
    const later = `ln -f %{buildroot}${cart0} %{buildroot}${site}/shop/__pycache__/copy.pyc`;
    expect(await verify(await rpmbuilt({ plant, ...lastly(later) }))).toEqual(healthy);
  });

  it.each(cases)('names %s', async (_, options, lines) => {
    const ran = await verify(await rpmbuilt({ plant, ...options }));
    expect(ran).toEqual({
      status: 1,
      stdout: lines.map((line) => `${line}\n`).join('') + verdict(lines.length),
      stderr: '',
    });
  });

  it.each(laterSteps)('names %s', async (_, later, lines) => {
    const ran = await verify(await rpmbuilt({ plant, ...lastly(later) }));
    expect(ran).toEqual({
      status: 1,
      stdout: lines.map((line) => `${line}\n`).join('') + verdict(lines.length),
      stderr: '',
    });
  });

  it('reports sources that rpm clamps after they were compiled', async () => {
    const defines = { clamp_mtime_to_source_date_epoch: '1', pyclink_options: '--mtime-policy keep' };
    const build = await rpmbuilt({
      plant: { [cart]: plant[cart] ?? '' },
      defines,
      env: { SOURCE_DATE_EPOCH: '1500000000' },
    });
    const lines = [cart1, cart0].map(
      (pyc) => `stale: ${pyc}: it records mtime 2020-09-13T12:26:40Z, the source has 2017-07-14T02:40:00Z\n`,
    );
    const stdout = `${lines.join('')}pyclink: 2 pycs, 1 link group: 2 findings\n`;
    expect(await verify(build)).toEqual({ status: 1, stdout, stderr: '' });
  });

  describe('of a file that is not a package', () => {
    it.each([
      ['that is text', 'text'],
      ['that is empty', ''],
    ])('reports a file %s', async (_, content) => {
      const build = await rpmbuilt({ plant: { ...plant, '/usr/no.rpm': content } });
      const file = `${build.buildroot}/usr/no.rpm`;
      const ran = await verify(build, file);
      expect(ran).toMatchObject({ status: 3, stdout: '' });
      expect(ran.stderr).toContain(`pyclink: error: ${file}: `);
    });
  });
});

/** A step that comes after all others. */
function lastly(step: string): RpmBuildOptions {
  return { end: `%define __spec_install_post %{__os_install_post}\\\n${step}` };
}
