/** Builds pyclink's own package with debhelper. What it does once it is installed is in worlds-debian.test.ts. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deadLinks } from './helpers/dead-links.ts';
import { debianTools } from './helpers/debian.ts';
import { buildIn, type OwnPackage } from './helpers/own-package.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const checkout = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(checkout, path), 'utf8');
const { version } = JSON.parse(read('package.json')) as { version: string };
/** rpm and dpkg sort what has a tilde before the release. */
const debianVersion = version.replace('-', '~');

describe('the metadata of the packages', () => {
  it('is the version of package.json', () => {
    expect(read('debian/changelog')).toMatch(new RegExp(`^pyclink \\(${debianVersion}\\) `));
    expect(read('rpm-macros/pyclink.spec')).toContain(`\nVersion:        ${debianVersion}\n`);
  });

  it('is the licence of each library in the bundles', () => {
    const bundles = readdirSync(join(checkout, 'dist')).filter((name) => name.endsWith('.cjs'));
    const text = bundles.map((name) => read(`dist/${name}`)).join('\n');
    const libraries = text.matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)\//gm);
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

describeWith([...debianTools, ...missingTools('lintian')], "pyclink's own package", () => {
  let parent: string;
  let built: OwnPackage;

  beforeAll(async () => {
    parent = mkdtempSync(join(tmpdir(), 'pyclink-package-'));
    built = await buildIn(join(parent, 'first'));
  }, 120_000);

  afterAll(() => rmSync(parent, { recursive: true, force: true }));

  it('gives neither debhelper nor lintian anything to report', async () => {
    expect(built.log).not.toMatch(/warning|error/i);
    const { all } = await execa('lintian', ['--allow-root', '--fail-on', 'error,warning', built.changes], {
      all: true,
    });
    expect(all).toBe('');
  });

  it('has these files, for all architectures', async () => {
    expect(basename(built.deb)).toBe(`pyclink_${debianVersion}_all.deb`);
    const { stdout } = await execa('dpkg-deb', ['--contents', built.deb]);
    const files = stdout.split('\n').filter((line) => !line.startsWith('d'));
    expect(files.map((line) => line.replace(/^(\S+) (\S+) .* \.(\/.+)$/, '$1 $2 $3'))).toEqual([
      '-rwxr-xr-x root/root /usr/bin/dh_pyclink',
      '-rwxr-xr-x root/root /usr/bin/dh_pyclink_verify',
      '-rwxr-xr-x root/root /usr/bin/pyclink',
      '-rw-r--r-- root/root /usr/lib/pyclink/cli-progress.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/csv-parse-sync.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/csv-stringify-sync.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/d3-hierarchy.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/execa.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/globby.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/levels.py',
      '-rw-r--r-- root/root /usr/lib/pyclink/picomatch.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/pino.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/program.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/pyclink.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/redis-client.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/tar-stream.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/worker.py',
      '-rw-r--r-- root/root /usr/lib/pyclink/yauzl.cjs',
      '-rw-r--r-- root/root /usr/lib/pyclink/zod.cjs',
      '-rw-r--r-- root/root /usr/lib/rpm/macros.d/macros.zz-pyclink',
      '-rwxr-xr-x root/root /usr/lib/rpm/pyclink/brp-pyclink',
      '-rwxr-xr-x root/root /usr/lib/rpm/pyclink/brp-pyclink-hardlink',
      '-rw-r--r-- root/root /usr/lib/rpm/pyclink/macros.lua',
      '-rw-r--r-- root/root /usr/share/bash-completion/completions/pyclink',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/SECURITY.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/THIRD-PARTY-NOTICES.gz',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/audit.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/benchmarks.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/cache.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/changelog.gz',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/copyright',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/debian.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/images.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/libraries',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/other-systems.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/release.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/reliability.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/reproducible.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/rpm.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/targets.md',
      '-rw-r--r-- root/root /usr/share/doc/pyclink/versioning.md',
      '-rw-r--r-- root/root /usr/share/fish/vendor_completions.d/pyclink.fish',
      '-rw-r--r-- root/root /usr/share/man/man1/dh_pyclink.1.gz',
      '-rw-r--r-- root/root /usr/share/man/man1/pyclink.1.gz',
      '-rw-r--r-- root/root /usr/share/perl5/Debian/Debhelper/Sequence/pyclink.pm',
      '-rw-r--r-- root/root /usr/share/zsh/vendor-completions/_pyclink',
      // Symlinks come last.
      'lrwxrwxrwx root/root /usr/lib/rpm/pyclink/brp-python-bytecompile -> brp-pyclink',
      'lrwxrwxrwx root/root /usr/share/man/man1/dh_pyclink_verify.1.gz -> dh_pyclink.1.gz',
    ]);
  });

  it('installs no page with a link that leads nowhere', async () => {
    const installed = join(parent, 'installed');
    await execa('dpkg-deb', ['--extract', built.deb, installed]);
    expect(deadLinks(installed)).toEqual([]);
  });

  it('depends on Node.js and python3 only, and provides the sequence', async () => {
    const { stdout } = await execa('dpkg-deb', ['--field', built.deb, 'Version', 'Depends', 'Provides']);
    expect(stdout.split('\n').sort()).toEqual([
      'Depends: nodejs (>= 20.19), python3',
      'Provides: dh-sequence-pyclink',
      `Version: ${debianVersion}`,
    ]);
  });

  it('is byte-for-byte identical when it is built later and elsewhere', async () => {
    const { deb } = await buildIn(join(parent, 'second/time'));
    expect(readFileSync(deb).equals(readFileSync(built.deb))).toBe(true);
  });
});
