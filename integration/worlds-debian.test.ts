/** Installs pyclink's own package in Debian 13 and in sid, builds with it there, and installs what was built. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { everythingIn, linkGroupsIn } from '../test/helpers/buildroot.ts';
import { control, debianTools, linksIn, manifestIn, plantSource, rules, shopLinks } from './helpers/debian.ts';
import { describeInWorld, type InWorld, inWorld } from './helpers/in-world.ts';
import { buildIn, type OwnPackage } from './helpers/own-package.ts';
import { describeWith } from './helpers/tools.ts';

const checkout = join(import.meta.dirname, '..');
const compatLevels = { trixie: 13, sid: 14 } as const;
const directories = ['usr/lib/python3/dist-packages/shop', 'usr/share/shop-app', 'usr/lib/elsewhere'];

describeWith(debianTools, "pyclink's own package", () => {
  let parent: string;
  let own: OwnPackage;

  beforeAll(async () => {
    parent = mkdtempSync(join(tmpdir(), 'pyclink-worlds-'));
    own = await buildIn(parent);
  }, 120_000);

  afterAll(() => rmSync(parent, { recursive: true, force: true }), 60_000);

  for (const name of ['trixie', 'sid'] as const) {
    describeInWorld(name, `in ${name}`, () => {
      let world: InWorld;

      beforeAll(async () => {
        world = await inWorld(name);
        const [deb = ''] = world.carry([own.deb, own.changes, own.buildinfo]);
        await world.inside('dpkg', '--install', deb);
        return world.remove;
      }, 120_000);

      it('starts with the Node.js of the system', async () => {
        const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string };
        expect((await world.inside('pyclink', '--version')).all).toBe(version);
      });

      it('gives lintian nothing to report', async () => {
        const changes = world.carry([own.changes]);
        const args = ['--allow-root', '--fail-on', 'error,warning', ...changes];
        expect((await world.inside('lintian', ...args)).all).toBe('');
      });

      it(`builds packages with debhelper ${compatLevels[name]} that stay intact until they are purged`, async () => {
        const { directory, inside } = world;
        const tags = await cacheTags(world);
        expect(tags).toHaveLength(name === 'sid' ? 2 : 1);
        const { log, debs } = await buildShop(world, compatLevels[name]);
        expect(log.filter((line) => /^dh |^ .*pyclink/.test(line))).toEqual([
          ...['dh clean', 'dh binary'],
          ...['   dh_pyclink', '   dh_pyclink_verify'],
        ]);
        expect(log.filter((line) => line.startsWith('pyclink: '))).toHaveLength(2);
        const links = Object.assign({}, ...tags.map((tag) => shopLinks(tag)['python3-shop']));
        expect(await linksIn(join(directory, debs['python3-shop']))).toEqual(links);
        const [defaultTag = ''] = tags;
        expect(await linksIn(join(directory, debs['shop-app']))).toEqual(shopLinks(defaultTag)['shop-app']);

        await inside('dpkg', '--install', ...Object.values(debs));
        const whole = [tags.flatMap(() => [2, 1, 2, 1]), [3], [3]];
        const groups = () => directories.map((at) => groupsOfCpython(join(directory, at)));
        expect(groups()).toEqual(whole);
        for (const [shop, deb] of Object.entries(debs)) {
          for (const target of [deb, '/']) expect(await verify(world, shop, target)).toMatch(/: all as built$/);
        }
        expect((await inside('dpkg', '--verify', 'python3-shop', 'shop-app')).all).toBe('');
        for (const python of tags.map((tag) => tag.replace('cpython-3', 'python3.'))) {
          for (const flags of [[], ['-O'], ['-OO']]) {
            const { stderr } = await inside(python, ...flags, '-v', '-c', 'import shop.till');
            expect(stderr.match(/^# code object from '[^']*\/shop\/__pycache__\/[^']*\.pyc'$/gm)).toHaveLength(2);
          }
        }
        expect(groups()).toEqual(whole);

        await inside('dpkg', '--purge', 'shop-app', 'python3-shop');
        expect(directories.filter((path) => existsSync(join(directory, path)))).toEqual([]);
      });

      it('leaves nothing behind when it is purged', async () => {
        const { directory, inside } = world;
        const { stdout: list } = await inside('dpkg', '--listfiles', 'pyclink');
        await inside('dpkg', '--purge', 'pyclink');
        const left = list.split('\n').filter((path) => path !== '/.' && existsSync(join(directory, path)));
        expect((await inside('dpkg', '--search', ...left)).stdout).not.toContain('pyclink');
        const places = readdirSync(directory).filter((place) => !['srv', 'tmp'].includes(place));
        const paths = places.flatMap((place) => everythingIn(join(directory, place)));
        expect(paths.filter((path) => path.includes('pyclink'))).toEqual([]);
      });
    });
  }
});

/** Builds the packages of the tests from a source that names pyclink in Build-Depends alone. @returns their paths there */
async function buildShop({ directory, inside }: InWorld, compatLevel: number) {
  plantSource(join(directory, 'srv/shop'), rules.addon.replace(' --with python3,pyclink', ''), {
    'debian/control': control
      .replace('(= 13)', `(= ${compatLevel})`)
      .replace('dh-python, python3', 'dh-sequence-python3, dh-sequence-pyclink, python3-all'),
  });
  const { stdout } = await inside('sh', '-c', 'cd /srv/shop && dpkg-buildpackage -us -uc -b');
  const files = readdirSync(join(directory, 'srv'));
  const named = (name: string) => `/srv/${files.find((file) => file.startsWith(`${name}_`) && file.endsWith('.deb'))}`;
  const debs = { 'python3-shop': named('python3-shop'), 'shop-app': named('shop-app') } as const;
  return { log: stdout.split('\n'), debs };
}

/** What pyclink says there of a package, or of the whole system. */
async function verify({ attempt }: InWorld, name: string, target: string): Promise<string> {
  // What the postinst has PyPy write is no part of the package.
  const allowed = ['--allow', '**/*.pypy*.pyc'];
  return (await attempt('pyclink', 'verify', '--manifest', manifestIn('/srv/shop', name), ...allowed, target)).all;
}

/** How many pycs share each inode. PyPy's are not shipped: where there is a PyPy, they are written at installation. */
function groupsOfCpython(directory: string): number[] {
  const groups = linkGroupsIn(directory).map((paths) => paths.filter((path) => path.includes('.cpython-')).length);
  return groups.filter((size) => size > 0);
}

/** The cache tags of a world's supported Pythons, its default one first. */
async function cacheTags({ inside }: InWorld): Promise<string[]> {
  const script = 'import sys; print(sys.implementation.cache_tag)';
  const { stdout } = await inside(
    'sh',
    '-c',
    `for python in python3 $(py3versions --supported); do $python -c '${script}'; done`,
  );
  return [...new Set(stdout.split('\n'))];
}
