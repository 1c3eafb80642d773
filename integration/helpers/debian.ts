import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { execa, execaSync } from 'execa';
import { type Planted, plant, temporaryDirectory } from '../../test/helpers/buildroot.ts';
import { stage } from '../stage.ts';
import { missingTools } from './tools.ts';

/** What is missing of the tools that build packages. */
export const debianTools = missingTools('dpkg-buildpackage', 'dh', 'dh_python3');

/** The source package's `debian/control`. */
export const control = `Source: shop
Section: python
Priority: optional
Maintainer: A Packager <packager@example.org>
Build-Depends: debhelper-compat (= 13), dh-python, python3
Standards-Version: 4.6.2
Rules-Requires-Root: no

Package: python3-shop
Architecture: all
Depends: \${python3:Depends}, \${pyclink:Depends}, \${misc:Depends}
Description: public modules of the shop
 They are what the other package needs.

Package: shop-app
Architecture: any
Depends: \${python3:Depends}, \${misc:Depends}
Description: application in a private directory
 It is what people start.
`;

const changelog = `shop (1.0) unstable; urgency=medium

  * First release.

 -- A Packager <packager@example.org>  Tue, 14 Nov 2023 22:13:20 +0000
`;

const files: Readonly<Record<string, Planted>> = {
  'debian/control': control,
  'debian/changelog': changelog,
  'debian/copyright': 'Copyright 2023 A Packager. MIT.\n',
  'debian/source/format': '3.0 (native)\n',
  'debian/python3-shop.install': 'shop usr/lib/python3/dist-packages\n',
  'debian/shop-app.install': 'app/main.py usr/share/shop-app\napp/extra.py usr/lib/elsewhere\n',
  'shop/__init__.py': '"""The shop."""\n',
  'shop/till.py': 'def pay(total):\n    assert total > 0\n    return total\n',
  'app/main.py': 'import shop\n',
  'app/extra.py': 'names = ["a", "b"]\n',
};

const pythonSteps = '\tdh_python3\n\tdh_python3 -pshop-app /usr/lib/elsewhere\n';

/** The ways to adopt pyclink in debian/rules. By the last one dh_pyclink runs twice. */
export const rules = {
  addon: rulesOf('dh $@ --with python3,pyclink', pythonSteps),
  'addon in the other order': rulesOf('dh $@ --with pyclink,python3', pythonSteps),
  override: rulesOf('dh $@ --with python3', `${pythonSteps}\tdh_pyclink\n`),
  'addon and override': rulesOf('dh $@ --with python3,pyclink', `${pythonSteps}\tdh_pyclink\n`),
} as const;

/** The same package as if there were no pyclink. */
export const rulesWithoutPyclink = rulesOf('dh $@ --with python3', pythonSteps);

function rulesOf(call: string, override: string): string {
  return `#!/usr/bin/make -f\n%:\n\t${call}\n\noverride_dh_python3:\n${override}`;
}

export interface BuiltPackages {
  /** The source package's directory. */
  readonly source: string;
  /** The .debs by package name. */
  readonly debs: Readonly<Record<string, string>>;
  readonly log: string;
  readonly manifest: (name: string) => string;
}

/** Who builds, where, when and how: nothing of it may show in the packages. */
export interface Circumstances {
  readonly uid?: number;
  readonly umask?: string;
  /** The source package's directory, below a temporary one. */
  readonly directory?: string;
  /** Of the sources; default: what they have. */
  readonly mtimeSeconds?: number;
  /** More arguments of dpkg-buildpackage. */
  readonly words?: readonly string[];
}

/** Lays out the source package of the tests. */
export function plantSource(source: string, rulesText: string, more: Readonly<Record<string, Planted>> = {}): void {
  plant(source, { ...files, 'debian/rules': { content: rulesText, mode: 0o755 }, ...more });
}

/** Builds the source package of the tests. */
export async function buildPackages(
  rulesText: string,
  what: '-b' | '-A' | '-B' = '-b',
  more: Readonly<Record<string, Planted>> = {},
  circumstances: Circumstances = {},
): Promise<BuiltPackages> {
  const checkout = temporaryDirectory();
  plantSource(checkout, rulesText, more);
  return buildSource(checkout, what, circumstances);
}

/** Copies as the user who builds would check out, then builds. */
const asUser = `umask $1 && mkdir -p "$(dirname "$3")" && cp -R --preserve=timestamps "$2" "$3" && cd "$3" &&
  if [ "$4" ]; then find . -exec touch -d "@$4" {} +; fi && shift 4 && exec dpkg-buildpackage "$@"`;

/** Builds a copy of a source package with the real dpkg-buildpackage, and pyclink from its installed layout. */
export async function buildSource(
  checkout: string,
  what: '-b' | '-A' | '-B' = '-b',
  circumstances: Circumstances = {},
): Promise<BuiltPackages> {
  const { uid = process.getuid?.() ?? 0, umask = '022', directory = 'source', words = [] } = circumstances;
  const home = temporaryDirectory();
  const source = join(home, directory);
  for (const readable of [checkout, home]) {
    chmodSync(readable, 0o755);
    if (uid !== process.getuid?.()) chownSync(readable, uid, uid);
  }
  const flags = [umask, checkout, source, `${circumstances.mtimeSeconds ?? ''}`, '-us', '-uc', '-d', what, ...words];
  const { all } = await execa('sh', ['-c', asUser, 'sh', ...flags], {
    all: true,
    extendEnv: false,
    env: environmentIn(home),
    ...(uid === process.getuid?.() ? {} : { uid, gid: uid }),
  });
  const parent = dirname(source);
  const names = readdirSync(parent).filter((name) => name.endsWith('.deb'));
  return {
    source,
    debs: Object.fromEntries(names.sort().map((name) => [nameOf(name), join(parent, name)])),
    log: all,
    manifest: (name) => manifestIn(source, name),
  };
}

/** What debhelper, and pyclink in its installed layout, need to be found. */
function environmentIn(home: string): Record<string, string> {
  const staged = temporaryDirectory();
  chmodSync(staged, 0o755);
  stage(staged);
  return {
    PATH: `${join(staged, 'usr/bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
    PERL5LIB: join(staged, 'usr/share/perl5'),
    HOME: home,
  };
}

export function manifestIn(source: string, name: string): string {
  return join(source, 'debian/.debhelper/generated', name, 'pyclink.json');
}

/** A source package as it is when dh_pyclink's turn comes, and a way to call it. */
export async function installedSource(more: Readonly<Record<string, Planted>> = {}) {
  const source = temporaryDirectory();
  plant(source, { ...files, ...more });
  const env = environmentIn(source);
  const before = 'dh_install && dh_python3 && dh_python3 -pshop-app /usr/lib/elsewhere';
  await execa('dpkg-architecture', ['--command', before], { cwd: source, extendEnv: false, env });
  return {
    source,
    dhPyclink: async (args: readonly string[] = [], variables: Readonly<Record<string, string>> = {}) => {
      const { exitCode, stdout, stderr } = await execa('dh_pyclink', args, {
        cwd: source,
        extendEnv: false,
        // Only warnings and errors.
        env: { ...env, DH_QUIET: '1', ...variables },
        reject: false,
      });
      return { status: exitCode, stdout, stderr };
    },
  };
}

/** The hard links that the packages of the tests have when this Python compiled them, each with its target. */
export function shopLinks(cacheTag: string) {
  const pyc = (module: string, level: string) =>
    `${dirname(module)}/__pycache__/${basename(module)}.${cacheTag}${level}.pyc`;
  const link = (module: string, level: string) => [pyc(module, level), pyc(module, '.opt-1')] as const;
  const modules = '/usr/lib/python3/dist-packages/shop';
  const applications = ['/usr/lib/elsewhere/extra', '/usr/share/shop-app/main'];
  return {
    'python3-shop': Object.fromEntries([link(`${modules}/__init__`, ''), link(`${modules}/till`, '.opt-2')]),
    'shop-app': Object.fromEntries(applications.flatMap((module) => [link(module, ''), link(module, '.opt-2')])),
  } as const;
}

/**
 * Packages of this machine's archive, as apt gets them, by name.
 * @returns what is missing if the archive does not answer, for `describeWith`; a CI is told why by an exception
 */
export function downloadPackages(names: readonly string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'pyclink-download-'));
  try {
    const reject = process.env['CI'] === 'true';
    const { failed } = execaSync('apt-get', ['download', ...names], { cwd: directory, reject });
    const files = readdirSync(directory).map((file) => [nameOf(file), readFileSync(join(directory, file))] as const);
    return { debs: Object.fromEntries(files), missing: failed ? ['answer of the archive to apt-get download'] : [] };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const nameOf = (deb: string) => basename(deb).replace(/_.*/, '');

/** The names of a .deb's regular files and hard links, each with the name it is linked to. */
export async function linksIn(deb: string): Promise<Record<string, string>> {
  const { stdout } = await execa('dpkg-deb', ['--contents', deb]);
  const names = [...stdout.matchAll(/^h\S+ .*? \.(\/\S+) link to \.(\/\S+)$/gm)];
  return Object.fromEntries(names.map(([, name = '', target = '']) => [name, target]));
}

/** The arguments that hold a package against its manifest. */
export function verifyWords({ debs, manifest }: BuiltPackages, name: string): string[] {
  return ['verify', '--manifest', manifest(name), debs[name] ?? ''];
}

/** A maintainer script of a .deb, or a file in it. */
export async function scriptIn(deb: string, name: string): Promise<string> {
  const directory = temporaryDirectory();
  await execa('dpkg-deb', ['--control', deb, directory]);
  return readFileSync(join(directory, name), 'utf8');
}
