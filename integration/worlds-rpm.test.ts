/** Packages of the formats and payloads of newer rpms than this machine's, in the worlds that have them. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { linkGroupsIn, plant } from '../test/helpers/buildroot.ts';
import { describeInWorld, type InWorld, inWorld } from './helpers/in-world.ts';
import { oddNames } from './helpers/odd-names.ts';
import { specText } from './helpers/rpm.ts';

const payloads = { zstd: 'w19.zstdio', xz: 'w6.xzdio', gzip: 'w9.gzdio' } as const;
/** The formats that the rpm of each world writes, its default one first. */
const formats = { trixie: ['4'], sid: ['6', '4'] } as const;

/** rpm 4.20 has no tag for the only format it knows. */
const formatTags = { trixie: '4', sid: '%{RPMFORMAT}' } as const;

const directory = '/usr/lib/python3/dist-packages/shop';
const [zero, one] = ['', '.opt-1'].map((level) => `${directory}/__pycache__/cart.TAG${level}.pyc`);
/** The package is what %install made of it: whether pyclink's macros work there too is not asked. */
const preamble = '%global __os_install_post %{nil}';
const manifest = '/srv/manifest.json';
const build = `pyclink build --buildroot %{buildroot} --manifest ${manifest} -o 0 -o 1 --python python3 ${directory}`;
const copied = 'for pyc in %{buildroot}/*/*/*/*/*/*/*.opt-1.pyc; do cp -p $pyc copy; mv copy $pyc; done';

for (const name of ['trixie', 'sid'] as const) {
  describeInWorld(name, `the rpm of ${name}`, () => {
    let world: InWorld;
    let cacheTag: string;

    beforeAll(async () => {
      world = await inWorld(name);
      world.stagePyclink();
      const script = 'import sys; print(sys.implementation.cache_tag)';
      cacheTag = (await world.inside('python3', '-c', script)).stdout;
      plant(world.directory, {
        [`/srv/planted${directory}/cart.py`]: { content: 'x = 1\n', mtime: 1_600_000_000 },
        '/srv/whole.spec': specText({ preamble, install: build }),
        '/srv/broken.spec': specText({ preamble, install: `${build}\n${copied}` }),
      });
      return world.remove;
    }, 120_000);

    /** Builds a package, and says what it is. */
    async function built(spec: string, format: string, payload: keyof typeof payloads) {
      const topdir = `/srv/${spec}-${format}-${payload}`;
      const defines = {
        _topdir: topdir,
        planted: '/srv/planted',
        _rpmformat: format,
        _binary_payload: payloads[payload],
      };
      const define = Object.entries(defines).flatMap(([macro, value]) => ['--define', `${macro} ${value}`]);
      await world.inside('rpmbuild', '-bb', ...define, `/srv/${spec}.spec`);
      const rpm = `${topdir}/RPMS/noarch/shop-1.0-1.noarch.rpm`;
      const what = await world.inside('rpm', '-qp', '--qf', `${formatTags[name]} %{PAYLOADCOMPRESSOR}`, rpm);
      expect(what.stdout).toBe(`${format} ${payload}`);
      return rpm;
    }

    async function verify(...targets: string[]) {
      const { exitCode, all } = await world.attempt('pyclink', 'verify', '--manifest', manifest, ...targets);
      return { status: exitCode, said: all.replaceAll(cacheTag, 'TAG') };
    }

    it('packages exactly the files of a list, whatever the names', async () => {
      const odd = oddNames(directory, cacheTag);
      plant(join(world.directory, 'srv/odd'), odd.plant);
      const preamble = '%global __os_install_post %{nil}\n%global _unpackaged_files_terminate_build 0';
      const call = `pyclink build -q --buildroot %{buildroot} --filelist /srv/list -o 0 --python python3 ${directory}`;
      plant(world.directory, { '/srv/odd.spec': specText({ preamble, install: call, files: ' -f /srv/list' }) });
      await world.inside('rpmbuild', '-bb', '-D', '_topdir /srv/odd-top', '-D', 'planted /srv/odd', '/srv/odd.spec');
      const rpm = '/srv/odd-top/RPMS/noarch/shop-1.0-1.noarch.rpm';
      const { stdout } = await world.inside('rpm', '-qp', '--qf', '[%{FILENAMES}\\n]', rpm);
      expect(
        stdout
          .split('\n')
          .filter((path) => path.endsWith('.pyc'))
          .sort(),
      ).toEqual(odd.listed);
    });

    describe.each(formats[name])('with packages of format %s', (format) => {
      it.each(Object.keys(payloads) as (keyof typeof payloads)[])('and a payload of %s', async (payload) => {
        const whole = { status: 0, said: 'pyclink: 2 pycs, 1 link group: all as built' };
        const rpm = await built('whole', format, payload);
        expect(await verify(rpm)).toEqual(whole);
        expect(await verify(await built('broken', format, payload))).toEqual({
          status: 1,
          said: `unlinked: ${zero}: not the same file as ${one}\npyclink: 2 pycs, 1 link group: 1 finding`,
        });

        await world.inside('rpm', '--install', '--nodeps', rpm);
        expect(linkGroupsIn(join(world.directory, directory)).map((group) => group.length)).toEqual([2]);
        expect(await verify('/')).toEqual(whole);
        await world.inside('rpm', '--erase', 'shop');
      });
    });
  });
}
