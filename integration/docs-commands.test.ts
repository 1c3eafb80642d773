/**
 * The commands of README and docs/: each is run here, or is named below with the test that runs it or the reason why it
 * cannot run here. docs/images.md has tests of its own.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plant } from '../test/helpers/buildroot.ts';
import { bundle } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const checkout = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(checkout, path), 'utf8');
const docs = readdirSync(join(checkout, 'docs')).filter((name) => name.endsWith('.md') && name !== 'images.md');
const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs.sort().map((name) => `docs/${name}`)];

/** What a command begins with. A name alone is none. */
const programs =
  /^(?:(?:RUN )?\/?pyclink|npm|npx|rpmbuild|dpkg-buildpackage|dh_py\w+|mock|dnf|apt|createrepo_c|rpm|dpkg|git|gpg|diff|integration\/setup|valkey-server|systemctl|install|find|openssl|export|cp|\(umask)\s+\S/;

/** The commands of a page: lines of its blocks, and what stands in backquotes. */
function commandsOf(text: string): string[] {
  const lines = text.split('\n').flatMap((line) => /^ {4,}\s*(?:\$ )?(.*)/.exec(line)?.[1] ?? []);
  const quoted = Array.from(
    text.replace(/^ {4,}.*$/gm, '').matchAll(/`([^`\n]+(?:\n[^`\n]+)?)`/g),
    ([, code = '']) => code,
  );
  return [...lines, ...quoted].filter((line) => programs.test(line) && !/^pyclink:/.test(line));
}

/** What runs elsewhere, or not here, by how it begins. */
const elsewhere: readonly (readonly [begin: RegExp, where: string])[] = [
  // Tests that run the same.
  [/^npm ci && npm run packages|^npm run packages/, 'integration/packages.test.ts'],
  [/^npm ci && npm pack$|^npm (un)?install --global/, 'integration/npm-pack.test.ts'],
  [
    /^npm ci && npm run build$|^npm ci && npm run demo$|^npm run (--silent )?(build|demo)$/,
    'integration/docs-commands.test.ts',
  ],
  [
    /^npm ci && npm run stage -- ("\$PWD\/staged"|\/opt\/pyclink)$|^rpmbuild --define/,
    'integration/rpm-package.test.ts',
  ],
  [/^npm ci && npm run stage -- debian\/staged$|^dpkg-buildpackage -us/, 'integration/debian-package.test.ts'],
  [/^npm run (sbom|schema|directories|sources)\b/, 'integration/scripts.test.ts'],
  [/^npm run (bench|fuzz|faults|differential|reproduce|sea)\b/, 'integration/scripts.test.ts'],
  [/^rpmbuild (-br|-ba|-bb|--load)/, 'integration/rpm-flows.test.ts'],
  [/^apt (install|purge|show)|^dpkg -V/, 'integration/worlds-debian.test.ts'],
  [/^dpkg-buildpackage -Pnopyclink|^dh_pyclink -p|^dh_python3 /, 'integration/debian-calls.test.ts'],
  [/^rpm (-V|-qi)/, 'integration/worlds-rpm.test.ts'],
  [/^valkey-server /, 'integration/cache-remote.test.ts'],
  [/^install -d |^find \/srv|^systemctl /, 'integration/cache-remote.test.ts'],
  [/^export PYCLINK_CACHE_|^\(umask 077/, 'integration/cache-remote.test.ts'],
  [/^cp -[arp]+( [^b].*)?$/, 'integration/copiers.test.ts'],
  [/^RUN \/pyclink/, 'integration/containers.test.ts'],
  [/^pyclink build --in-place/, 'integration/in-place.test.ts'],
  [/^pyclink relink --manifest debian\//, 'integration/debian-copies.test.ts'],
  // What does not run here.
  [/^dnf /, 'needs Fedora; worlds-rpm.test.ts installs with rpm'],
  [/^mock |^createrepo_c /, 'needs Fedora and its mirrors; docs/rpm.md says with which mock it was run'],
  [/^pyclink verify .*\/var\/lib\/mock/, 'needs what mock builds; rpm-verify.test.ts verifies packages'],
  [/^integration\/setup/, 'installs the tools of this machine, and runs these tests'],
  [/^npm test$|^npm run (check|test:\w+)|^npx vitest run /, 'is the tests, or has them run'],
  [/^(git|gpg|diff) |^npm (publish|version|audit) /, 'publishes a release'],
];

/** Names that the docs use, and what stands for them here. A later one sees what an earlier one has made. */
const standIns: readonly (readonly [RegExp, string])[] = [
  [/ {2,}.*$/, ''],
  [/ ?\[PATH…\]/, ''],
  [/\bTARGET…|\bTARGET\b/, 'pkg'],
  [/\/tmp\/root\b|\bROOT\b|\$\(TARGET_DIR\)|(?<=--buildroot )D\b|(?<=--buildroot )DIR\b/, 'pkg'],
  [/\/tmp\/pyclink\.json|(?<=--manifest )M\b/, 'pkg.json'],
  [/\bTIME\b/, '2020-01-01'],
  [/\bOLD NEW\b/, 'pkg other'],
  [/\bFILE\.pyc\b/, 'A.pyc'],
  [/\bA B\b/, 'A.pyc B.pyc'],
  [/\bFILE\.rpm\b/, 'shop-1.0-1.noarch.rpm'],
  [/\/usr\/lib\/python3\/dist-packages$/, 'pkg/usr/lib/python3/dist-packages'],
  [/--python nativepython3/, '--python python3'],
  [/^pyclink (relink|restamp)/, 'pyclink $1 --buildroot pkg'],
  [/^pyclink link --normalize$|^pyclink link$/, '$& --buildroot pkg'],
  [/^pyclink build -j 2$|^pyclink build$/, '$& --buildroot pkg'],
];
/** Parts of a command line that a sentence names. */
const partial = /^pyclink (build|link|verify|relink|audit|cache|restamp|inspect|diff)( --normalize)?$/;

const runnable = pages
  .map((page) => ({ page, commands: [...new Set(commandsOf(read(page)))].filter(isRunHere) }))
  .filter(({ commands }) => commands.length > 0);

function isRunHere(command: string): boolean {
  return !partial.test(command) && !elsewhere.some(([begin]) => begin.test(command));
}

it('lists only commands of the pages, and existing tests', () => {
  const all = pages.flatMap((page) => commandsOf(read(page)));
  expect(elsewhere.filter(([begin]) => !all.some((line) => begin.test(line)))).toEqual([]);
  const tests = elsewhere.map(([, where]) => where).filter((where) => where.endsWith('.test.ts'));
  expect(tests.filter((test) => !existsSync(join(checkout, test)))).toEqual([]);
});

/** A package of a tree as it is. */
function shopSpec(tree: string): string {
  return [
    ...['Name: shop', 'Version: 1.0', 'Release: 1', 'Summary: x', 'License: MIT', 'BuildArch: noarch'],
    ...['%global __os_install_post %{nil}', '%description', 'x', '%install', `cp -a ${tree}/. %{buildroot}`],
    ...['%files', '/usr/lib/python3', ''],
  ].join('\n');
}

describeWith(missingTools('rpmbuild', 'dpkg-deb', 'mksquashfs'), 'the commands', () => {
  let work: string;
  const site = 'usr/lib/python3/dist-packages';
  const env = () => ({
    ...{ PATH: `${work}/bin:/usr/bin:/bin`, HOME: work, SOURCE_DATE_EPOCH: '1600000000' },
    ...{ PYCLINK_CACHE_DIR: `${work}/.cache/pyclink`, DESTDIR: `${work}/pkg`, wrksrc: work, pkgdir: `${work}/pkg` },
    ...{ startdir: work, srcdir: work, D: `${work}/pkg`, T: work, WORKDIR: work, out: `${work}/pkg`, proof: work },
    PYTHON_SITEPACKAGES_DIR: `/${site}`,
  });
  const shell = (command: string, cwd = work) =>
    execa('bash', ['-c', command], { cwd, env: env(), extendEnv: false, reject: false, all: true });

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'pyclink-docs-'));
    mkdirSync(join(work, 'bin'));
    writeFileSync(join(work, 'bin/pyclink'), `#!/bin/sh\nexec ${process.execPath} ${bundle} "$@"\n`, { mode: 0o755 });
    for (const root of ['pkg', 'other']) {
      plant(join(work, root), {
        [`/${site}/shop/cart.py`]: `def pay(price):\n    return price + ${root.length}\n`,
        [`/${site}/shop/till.py`]: '"""Docs."""\n',
      });
    }
    writeFileSync(join(work, 'shop.spec'), shopSpec(join(work, 'pkg')));
    const made = await shell(`
      set -e
      pyclink build --no-cache --buildroot pkg --manifest pkg.json && pyclink build --no-cache --buildroot other
      cp pkg/${site}/shop/__pycache__/cart.${systemPython.cacheTag}.pyc A.pyc; cp other/${site}/shop/__pycache__/cart.${systemPython.cacheTag}.pyc B.pyc
      cp A.pyc backdoor.pyc
      mksquashfs pkg x.snap -quiet; cp pkg.json m.json
      mkdir -p src/debian/.debhelper/generated/shop && cp pkg.json src/debian/.debhelper/generated/shop/pyclink.json
      cp -a pkg deb; mkdir deb/DEBIAN
      printf 'Package: shop\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: x <x@example.org>\\nDescription: x\\n' > deb/DEBIAN/control
      rpmbuild -bb --quiet --define "_topdir $PWD/rpm" shop.spec && cp rpm/RPMS/noarch/*.rpm .
      dpkg-deb --root-owner-group -b deb shop_1.0_all.deb
      printf 'Format: 1.8\\nSource: shop\\nFiles:\\n 0 1 x optional shop_1.0_all.deb\\n' > shop_1.0_amd64.changes`);
    expect([made.all, made.exitCode]).toEqual([expect.any(String), 0]);
  });

  afterAll(() => rmSync(work, { recursive: true, force: true }));

  it('find the backdoor of README, with the output that it shows', async () => {
    const { all, exitCode } = await shell(`
      cp -a other evil && pyclink build --no-cache -q --buildroot evil --manifest evil.json
      mkdir -p evil/usr/lib/python3.11 && cp backdoor.pyc evil/usr/lib/python3.11/evil.pyc
      pyclink verify --manifest evil.json evil`);
    expect(all).toContain(/^ {4}(unrecorded: .*\n)/m.exec(read('README.md'))?.[1]);
    expect(exitCode).toBe(1);
  });

  describe.each(runnable)('of $page', ({ commands }) => {
    it.each(commands)('%s', async (command) => {
      const call = standIns.reduce((line, [name, standIn]) => line.replace(name, standIn), command);
      if (/^cp backdoor/.test(call)) mkdirSync(join(work, 'pkg/usr/lib/python3.11'), { recursive: true });
      const { exitCode, all } = await shell(call, / \.\.\//.test(call) ? join(work, 'src') : work);
      // Findings are no failure of the command.
      const mayFind = /^pyclink (verify|audit|diff|inspect A)/.test(call);
      expect([call, exitCode, all]).toEqual([call, mayFind ? expect.toBeOneOf([0, 1]) : 0, expect.any(String)]);
    });
  });
});

it('npm run demo prints what README shows', { timeout: 300_000 }, async () => {
  const { stdout, stderr } = await execa('npm', ['run', '--silent', 'demo'], {
    cwd: checkout,
    env: { TMPDIR: tmpdir() },
  });
  const shape = (text: string) => text.replace(/\d+(\.\d+)*/g, 'N').replace(/with \S+/, 'with PYTHON');
  const shown = Array.from(
    read('README.md').matchAll(/^ {4}pyclink: (compiling .*|.* groups|.* saved .*)$/gm),
    ([, line = '']) => line,
  );
  expect(shown).toHaveLength(3);
  const lines = `${stdout}\n${stderr}`.split('\n').map(shape);
  expect(shown.filter((line) => !lines.includes(`pyclink: ${shape(line)}`))).toEqual([]);
});
