/** `npm run stage -- DIR`: lays out what a package of pyclink installs under DIR, from the bundle in dist/. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { scriptCall } from './helpers/script-call.ts';
import { bashCompletions } from './stage/bash.ts';
import { commands, ownOptions } from './stage/commands.ts';
import { fishCompletions } from './stage/fish.ts';
import { bundledLibraries } from './stage/libraries.ts';
import { manPage } from './stage/man-page.ts';
import { noticesText } from './stage/notices.ts';
import { zshCompletions } from './stage/zsh.ts';

const checkout = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(checkout, path), 'utf8');

/** The docs for users, and the pages that these link to. They lie in one directory. */
const pages = [
  'SECURITY.md',
  'docs/audit.md',
  'docs/benchmarks.md',
  'docs/cache.md',
  'docs/debian.md',
  'docs/images.md',
  'docs/other-systems.md',
  'docs/release.md',
  'docs/reliability.md',
  'docs/reproducible.md',
  'docs/rpm.md',
  'docs/targets.md',
  'docs/versioning.md',
];

/** What each installed file has in it: a file of the checkout, or what is made here. */
function layout(): Readonly<Record<string, string | (() => string)>> {
  return {
    'usr/bin/pyclink': 'hooks/pyclink',
    ...Object.fromEntries(bundles().map((name) => [`usr/lib/pyclink/${name}`, () => withoutShebang(name)])),
    'usr/lib/pyclink/worker.py': 'dist/worker.py',
    'usr/lib/pyclink/levels.py': 'dist/levels.py',
    'usr/bin/dh_pyclink': 'hooks/dh_pyclink',
    'usr/bin/dh_pyclink_verify': 'hooks/dh_pyclink_verify',
    'usr/share/perl5/Debian/Debhelper/Sequence/pyclink.pm': 'hooks/Sequence/pyclink.pm',
    'usr/lib/rpm/pyclink/brp-pyclink': 'hooks/brp-pyclink',
    'usr/lib/rpm/pyclink/brp-pyclink-hardlink': 'hooks/brp-pyclink-hardlink',
    'usr/lib/rpm/pyclink/macros.lua': 'rpm-macros/macros.lua',
    'usr/lib/rpm/macros.d/macros.zz-pyclink': 'rpm-macros/macros.pyclink',
    'usr/share/man/man1/pyclink.1': manPage,
    'usr/share/man/man1/dh_pyclink.1': 'docs/man/dh_pyclink.1',
    'usr/share/bash-completion/completions/pyclink': () => bashCompletions(ownOptions, commands),
    'usr/share/zsh/site-functions/_pyclink': () => zshCompletions(ownOptions, commands),
    'usr/share/fish/vendor_completions.d/pyclink.fish': () => fishCompletions(ownOptions, commands),
    ...Object.fromEntries(pages.map((page) => [`usr/share/doc/pyclink/${basename(page)}`, () => linkedHere(page)])),
    'usr/share/doc/pyclink/libraries': librariesText,
    'usr/share/licenses/pyclink/copyright': 'debian/copyright',
    'usr/share/licenses/pyclink/Apache-2.0': 'node_modules/b4a/LICENSE',
    'usr/share/licenses/pyclink/THIRD-PARTY-NOTICES': noticesText,
  };
}

const symlinks: Readonly<Record<string, string>> = {
  // Specs take the step out by this name.
  'usr/lib/rpm/pyclink/brp-python-bytecompile': 'brp-pyclink',
  'usr/share/man/man1/dh_pyclink_verify.1': 'dh_pyclink.1',
};

/** The bundles in dist/: the program, and the packages that have bundles of their own. */
function bundles(): string[] {
  return readdirSync(join(checkout, 'dist')).filter((name) => name.endsWith('.cjs'));
}

/** hooks/pyclink has found node by then. */
function withoutShebang(name: string): string {
  return read(`dist/${name}`).replace(/^#!.*\n/, '');
}

/** A page whose links lead to its own directory. */
function linkedHere(page: string): string {
  return read(page).replace(/\]\((?:\.\.|docs)\//g, '](');
}

/** What somebody calls. */
const programs = /^usr\/bin\/|^usr\/lib\/rpm\/pyclink\/brp-/;

/** @param directory where the files go; made if it is not there */
export function stage(directory: string): void {
  for (const path of Object.keys(layout())) install(path, directory, path);
  for (const [path, target] of Object.entries(symlinks)) {
    rmSync(join(directory, path), { force: true });
    symlinkSync(target, join(directory, path));
  }
}

/** Lays out what the npm package has besides the program and docs/: man pages, completions and licences. */
export function stageShare(directory: string): void {
  for (const path of Object.keys(layout())) {
    const [, shared = ''] = /^usr\/share\/((?!perl5|.*\.md$).*)$/.exec(path) ?? [];
    if (shared !== '') install(path, directory, shared);
  }
}

function install(path: string, directory: string, name: string): void {
  const content = layout()[path] as string | (() => string);
  makeDirectories(directory, dirname(name));
  writeFileSync(join(directory, name), typeof content === 'string' ? read(content) : content());
  chmodSync(join(directory, name), programs.test(path) ? 0o755 : 0o644);
}

/** Whatever the umask: a package has the modes of the staged tree. */
function makeDirectories(root: string, path: string): void {
  mkdirSync(root, { recursive: true });
  let directory = root;
  for (const name of path.split('/')) {
    directory = join(directory, name);
    if (existsSync(directory)) continue;
    mkdirSync(directory);
    chmodSync(directory, 0o755);
  }
}

/** What the bundle is made of, `NAME VERSION LICENCE` a line; the spec file reads it. */
function librariesText(): string {
  return bundledLibraries()
    .map(({ name, version, license }) => `${name} ${version} ${license}\n`)
    .join('');
}

if (import.meta.filename === process.argv[1]) {
  const [directory] = scriptCall(import.meta.filename, {}, () => true).positionals;
  if (directory === undefined) {
    process.stderr.write('usage: npm run stage -- DIR\n');
    process.exitCode = 2;
  } else stage(directory);
}
