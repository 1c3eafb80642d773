/** Builds pyclink's own package with debhelper, and uses it as a packager on Debian 13 would. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everythingIn } from '../test/helpers/buildroot.ts';
import { bundle } from '../test/helpers/pyclink.ts';
import { type Chroot, chrootTools, makeChroot } from './helpers/chroot.ts';
import { control, debianTools, linksIn, plantSource, rules, shopLinks } from './helpers/debian.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const checkout = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(checkout, path), 'utf8');
const { version } = JSON.parse(read('package.json')) as { version: string };

describe('what the packages say of pyclink', () => {
  it('is the version of package.json', () => {
    expect(read('debian/changelog')).toMatch(new RegExp(`^pyclink \\(${version}\\) `));
    expect(read('rpm-macros/pyclink.spec')).toContain(`\nVersion:        ${version}\n`);
  });

  it('is the licence of each library in the bundle', () => {
    const libraries = readFileSync(bundle, 'utf8').matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)\//gm);
    const ofLibraries = [...new Set([...libraries].map(([, name = '']) => name))].map((name) => {
      const { license } = JSON.parse(read(`node_modules/${name}/package.json`)) as { license: string };
      return `node_modules/${name}/*: ${license === 'MIT' ? 'Expat' : license}`;
    });
    const stanzas = read('debian/copyright').matchAll(/^Files:([^:]*)\nCopyright:.*?\nLicense: (\S+)$/gms);
    const declared = [...stanzas].flatMap(([, files = '', license]) =>
      files
        .trim()
        .split(/\s+/)
        .map((pattern) => `${pattern}: ${license}`),
    );
    expect(declared.sort()).toEqual(['*: Expat', ...ofLibraries].sort());
  });
});

interface Built {
  readonly deb: string;
  readonly changes: string;
  readonly log: string;
}

/** Copies the checkout as `npm ci` leaves it, stages and builds there as docs/debian.md says. */
async function buildIn(parent: string): Promise<Built> {
  const tree = join(parent, 'pyclink');
  const leftOut = ['.git', 'dist', 'debian/staged'].map((name) => join(checkout, name));
  const filter = (path: string) => !leftOut.includes(path);
  cpSync(checkout, tree, { recursive: true, verbatimSymlinks: true, filter });
  const env = { PATH: process.env['PATH'] ?? '', HOME: parent, LC_ALL: 'C.UTF-8' };
  await execa('npm', ['run', '--silent', 'stage', '--', 'debian/staged'], { cwd: tree, extendEnv: false, env });
  const { all } = await execa('dpkg-buildpackage', ['-us', '-uc', '-b'], {
    cwd: tree,
    extendEnv: false,
    env: { ...env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    all: true,
  });
  const named = (end: string) => join(parent, readdirSync(parent).find((name) => name.endsWith(end)) ?? end);
  return { deb: named('.deb'), changes: named('.changes'), log: all };
}

describeWith([...debianTools, ...missingTools('lintian')], "pyclink's own package", () => {
  let parent: string;
  let built: Built;

  beforeAll(async () => {
    parent = mkdtempSync(join(tmpdir(), 'pyclink-package-'));
    built = await buildIn(join(parent, 'first'));
  }, 120_000);

  afterAll(() => rmSync(parent, { recursive: true, force: true }), 60_000);

  it('gives neither debhelper nor lintian anything to complain about', async () => {
    expect(built.log).not.toMatch(/warning|error/i);
    const { all } = await execa('lintian', ['--allow-root', '--fail-on', 'error,warning', built.changes], {
      all: true,
    });
    expect(all).toBe('');
  });

  it('has these files, for all architectures', async () => {
    expect(basename(built.deb)).toBe(`pyclink_${version}_all.deb`);
    const { stdout } = await execa('dpkg-deb', ['--contents', built.deb]);
    const files = stdout.split('\n').filter((line) => !line.startsWith('d'));
    expect(files.map((line) => line.replace(/^(\S+) (\S+) .* \.(\/\S+)$/, '$1 $2 $3'))).toEqual([
      '-rwxr-xr-x root/root /usr/bin/dh_pyclink',
      '-rwxr-xr-x root/root /usr/bin/pyclink',
      '-rw-r--r-- root/root /usr/lib/pyclink/levels.py',
      '-rwxr-xr-x root/root /usr/lib/pyclink/pyclink.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/worker.py',
      '-rw-r--r-- root/root /usr/lib/rpm/macros.d/macros.zz-pyclink',
      '-rwxr-xr-x root/root /usr/lib/rpm/pyclink/brp-pyclink',
      '-rwxr-xr-x root/root /usr/lib/rpm/pyclink/brp-pyclink-hardlink',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/changelog.gz',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/copyright',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/debian.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/rpm.md',
      '-rw-r--r-- root/root /usr/share/man/man1/dh_pyclink.1.gz',
      '-rw-r--r-- root/root /usr/share/man/man1/pyclink.1.gz',
      '-rw-r--r-- root/root /usr/share/perl5/Debian/Debhelper/Sequence/pyclink.pm',
    ]);
  });

  it('depends on Node.js and python3 only, and provides the sequence', async () => {
    const { stdout } = await execa('dpkg-deb', ['--field', built.deb, 'Version', 'Depends', 'Provides']);
    expect(stdout.split('\n').sort()).toEqual([
      'Depends: nodejs (>= 20.19), python3',
      'Provides: dh-sequence-pyclink',
      `Version: ${version}`,
    ]);
  });

  it('is the same to the byte when it is built later and elsewhere', async () => {
    const { deb } = await buildIn(join(parent, 'second/time'));
    expect(readFileSync(deb).equals(readFileSync(built.deb))).toBe(true);
  });

  describeWith(chrootTools, 'installed on Debian 13', () => {
    let chroot: Chroot;

    beforeAll(async () => {
      chroot = await makeChroot('trixie');
      await chroot.install('debhelper', 'dh-python', 'dpkg-dev');
      return chroot.remove;
    }, 300_000);

    it('builds packages that name it in Build-Depends alone, and leaves nothing behind when it is purged', async () => {
      const { directory, inside } = chroot;
      await chroot.install(...chroot.carry([built.deb]));
      expect((await inside('pyclink', '--version')).stdout).toBe(version);

      plantSource(join(directory, 'srv/shop'), rules.addon.replace(' --with python3,pyclink', ''), {
        'debian/control': control.replace('dh-python, python3', 'dh-sequence-python3, dh-sequence-pyclink'),
      });
      const { stdout: log } = await inside(
        'sh',
        '-c',
        'cd /srv/shop && dpkg-checkbuilddeps -I && dpkg-buildpackage -us -uc -b -d',
      );
      expect(log.split('\n').filter((line) => /^dh |pyclink/.test(line))).toEqual([
        'dh clean',
        'dh binary',
        '   dh_pyclink',
      ]);

      const { stdout: cacheTag } = await inside('python3', '-c', 'import sys; print(sys.implementation.cache_tag)');
      for (const [name, links] of Object.entries(shopLinks(cacheTag))) {
        const deb = readdirSync(join(directory, 'srv')).find((file) => new RegExp(`^${name}_.*\\.deb$`).test(file));
        expect(await linksIn(join(directory, 'srv', deb ?? name))).toEqual(links);
        const manifest = `/srv/shop/debian/.debhelper/generated/${name}/pyclink.json`;
        const verified = await inside('/usr/bin/pyclink', 'verify', '--manifest', manifest, `/srv/${deb}`);
        expect(verified.all).toMatch(/: all as built$/);
      }

      const { stdout: list } = await inside('dpkg', '--listfiles', 'pyclink');
      await inside('dpkg', '--purge', 'pyclink');
      const left = list.split('\n').filter((path) => path !== '/.' && existsSync(join(directory, path)));
      expect((await inside('dpkg', '--search', ...left)).stdout).not.toContain('pyclink');
      const places = ['etc', 'usr', 'var/lib'].flatMap((place) => everythingIn(join(directory, place)));
      expect(places.filter((path) => path.includes('pyclink'))).toEqual([]);
    });
  });
});
