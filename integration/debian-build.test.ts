import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import {
  type BuiltPackages,
  buildPackages,
  debianTools,
  linksIn,
  rules,
  scriptIn,
  shopLinks,
  verifyWords,
} from './helpers/debian.ts';
import { describeWith, missingRoot } from './helpers/tools.ts';

const links = shopLinks(systemPython.cacheTag);

const bytesOf = ({ debs }: BuiltPackages) => Object.values(debs).map((deb) => readFileSync(deb));
const manifestsOf = ({ debs, manifest }: BuiltPackages) =>
  Object.keys(debs).map((name) => readFileSync(manifest(name), 'utf8'));

describeWith(debianTools, 'pyclink in debian/rules', () => {
  it('records links that verify finds, in byte-for-byte identical packages, with any setup', async () => {
    const builds = [];
    for (const [way, text] of Object.entries(rules)) {
      const built = await buildPackages(text);
      for (const name of ['python3-shop', 'shop-app'] as const) {
        expect(await linksIn(built.debs[name] as string), way).toEqual(links[name]);
        const ran = await pyclink(verifyWords(built, name));
        expect(ran.stdout, way).toMatch(/: all as built\n$/);
        expect(ran.status, way).toBe(0);
      }
      builds.push(built);
    }
    const [first, ...others] = builds.map(bytesOf);
    expect(first?.length).toBe(2);
    for (const other of others) expect(other).toEqual(first);
  });
});

describeWith(debianTools, 'dpkg-buildpackage', () => {
  it.each([
    ['-A', ['python3-shop']],
    ['-B', ['shop-app']],
  ] as const)('builds only the requested packages with %s', async (flag, names) => {
    const built = await buildPackages(rules.addon, flag);
    expect(Object.keys(built.debs)).toEqual(names);
    const ran = await pyclink(verifyWords(built, names[0]));
    expect(ran.status).toBe(0);
  });

  it('logs a line for each package, unless it has to be terse', async () => {
    const linesOf = (log: string) => log.split('\n').filter((line) => /pyclink(?!-test)/.test(line));
    const named = ['dh clean --with python3,pyclink', 'dh binary --with python3,pyclink', '   dh_pyclink'];
    expect(linesOf((await buildPackages(rules.addon)).log)).toEqual([
      ...named,
      expect.stringMatching(/^pyclink: python3-shop: 2 sources, 6 pycs, 2 links, .* saved \(/),
      expect.stringMatching(/^pyclink: shop-app: 2 sources, 6 pycs, 4 links, .* saved \(/),
      '   dh_pyclink_verify',
    ]);
    const terse = rules.addon.replace('%:', 'export DEB_BUILD_OPTIONS = terse\n%:');
    expect(linesOf((await buildPackages(terse)).log).filter((line) => line.startsWith('pyclink: '))).toEqual([]);
  });

  it('logs details with DH_VERBOSE', async () => {
    const verbose = `export DH_VERBOSE=1\n${rules.addon.replace('#!/usr/bin/make -f\n', '')}`;
    const { log } = await buildPackages(`#!/usr/bin/make -f\n${verbose}`);
    expect(log).toMatch(/^\tpyclink build --buildroot \S+\/debian\/python3-shop \/usr\/lib\/python3\/dist-packages$/m);
    expect(log).toMatch(/^pyclink: python3-shop: 2 sources, 6 pycs, 2 links, /m);
  });

  it('lets the package depend on the Python that it was compiled for', async () => {
    const { debs } = await buildPackages(rules.addon);
    const minor = Number(systemPython.minor.split('.')[1]);
    expect(await scriptIn(debs['python3-shop'] as string, 'control')).toContain(
      `python3:any (>= 3.${minor}), python3:any (<< 3.${minor + 1})`,
    );
  });
});

const nobody = 65_534;

describeWith([...debianTools, ...missingRoot()], 'an ordinary user', () => {
  it('builds the same packages as root, anywhere, at any time, with any umask', async () => {
    const uid = nobody;
    const root = await buildPackages(rules.addon);
    const deep = { uid, directory: 'a/deeper/place/shop', mtimeSeconds: 2_000_000_000, words: ['-j1'] };
    const user = await buildPackages(rules.addon, '-b', {}, deep);
    expect(bytesOf(user)).toEqual(bytesOf(root));
    expect(manifestsOf(user)).toEqual(manifestsOf(root));
    const careful = { uid, umask: '077', mtimeSeconds: 1_700_000_001, words: ['-j4'] };
    expect(bytesOf(await buildPackages(rules.addon, '-b', {}, careful))).toEqual(bytesOf(root));
  });
});

describeWith(debianTools, 'the maintainer scripts', () => {
  it('still compile at installation by default, and do not clean in the rtupdate hook', async () => {
    const { debs, source } = await buildPackages(rules.addon);
    expect(await scriptIn(debs['python3-shop'] as string, 'postinst')).toContain('py3compile -p python3-shop');
    expect(await scriptIn(debs['python3-shop'] as string, 'prerm')).toContain('py3clean -p python3-shop');
    const hook = readFileSync(`${source}/debian/shop-app/usr/share/python3/runtime.d/shop-app.rtupdate`, 'utf8');
    expect(hook).toContain('py3compile -p shop-app');
    expect(hook).not.toContain('py3clean');
  });

  it('do not compile with --postinst=strip', async () => {
    const text = `${rules.addon}\noverride_dh_pyclink:\n\tdh_pyclink --postinst=strip\n`;
    const { debs } = await buildPackages(text);
    await expect(scriptIn(debs['python3-shop'] as string, 'postinst')).rejects.toThrow('ENOENT');
    expect(await scriptIn(debs['python3-shop'] as string, 'prerm')).toContain('py3clean -p python3-shop');
  });

  it('leave the public modules to bcep with --postinst=bcep, and in the hash modes', async () => {
    for (const flags of ['--postinst=bcep', '-- --invalidation-mode=checked-hash']) {
      const text = `${rules.addon}\noverride_dh_pyclink:\n\tdh_pyclink ${flags}\n`;
      const { source, debs } = await buildPackages(text);
      expect(readFileSync(`${source}/debian/python3-shop/usr/share/python3/bcep/python3-shop`, 'utf8')).toBe(
        `dir|${systemPython.minor}|/usr/lib/python3/dist-packages/shop/\n`,
      );
      expect(await scriptIn(debs['python3-shop'] as string, 'postinst')).toContain('py3compile -p python3-shop');
      await expect(scriptIn(debs['shop-app'] as string, 'postinst')).rejects.toThrow('ENOENT');
    }
  });

  it('are not touched with -n', async () => {
    const text = `${rules.addon}\noverride_dh_pyclink:\n\tdh_pyclink -n\n`;
    const { source } = await buildPackages(text);
    const hook = readFileSync(`${source}/debian/shop-app/usr/share/python3/runtime.d/shop-app.rtupdate`, 'utf8');
    expect(hook).toContain('py3clean');
  });
});
