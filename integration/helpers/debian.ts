import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { type Planted, plant, temporaryDirectory } from '../../test/helpers/buildroot.ts';
import { stage } from '../stage.ts';
import { missingTools } from './tools.ts';

/** What is missing of the tools that build packages. */
export const debianTools = missingTools('dpkg-buildpackage', 'dh', 'dh_python3');

const control = `Source: shop
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

/** The three ways to adopt pyclink in debian/rules. */
export const rules = {
  addon: rulesOf('dh $@ --with python3,pyclink', '\tdh_python3\n\tdh_python3 -pshop-app /usr/lib/elsewhere\n'),
  'addon in the other order': rulesOf(
    'dh $@ --with pyclink,python3',
    '\tdh_python3\n\tdh_python3 -pshop-app /usr/lib/elsewhere\n',
  ),
  override: rulesOf('dh $@ --with python3', '\tdh_python3\n\tdh_python3 -pshop-app /usr/lib/elsewhere\n\tdh_pyclink\n'),
} as const;

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

/** Builds the source package of the tests with the real dpkg-buildpackage, and pyclink from its installed layout. */
export async function buildPackages(
  rulesText: string,
  what: '-b' | '-A' | '-B' = '-b',
  more: Readonly<Record<string, Planted>> = {},
): Promise<BuiltPackages> {
  const staged = temporaryDirectory();
  stage(staged);
  const parent = temporaryDirectory();
  const source = join(parent, 'shop-1.0');
  plant(source, { ...files, 'debian/rules': { content: rulesText, mode: 0o755 }, ...more });
  const { all } = await execa('dpkg-buildpackage', ['-us', '-uc', '-d', what], {
    cwd: source,
    all: true,
    extendEnv: false,
    env: {
      PATH: `${join(staged, 'usr/bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
      PERL5LIB: join(staged, 'usr/share/perl5'),
      HOME: parent,
    },
  });
  const names = readdirSync(parent).filter((name) => name.endsWith('.deb'));
  return {
    source,
    debs: Object.fromEntries(names.map((name) => [basename(name).replace(/_.*/, ''), join(parent, name)])),
    log: all,
    manifest: (name) => join(source, 'debian/.debhelper/generated', name, 'pyclink.json'),
  };
}

/** The names of a .deb's regular files and hard links, each with the name it is linked to. */
export async function linksIn(deb: string): Promise<Record<string, string>> {
  const { stdout } = await execa('dpkg-deb', ['--contents', deb]);
  const names = [...stdout.matchAll(/^h\S+ .*? \.(\/\S+) link to \.(\/\S+)$/gm)];
  return Object.fromEntries(names.map(([, name = '', target = '']) => [name, target]));
}

/** A maintainer script of a .deb, or a file in it. */
export async function scriptIn(deb: string, name: string): Promise<string> {
  const directory = temporaryDirectory();
  await execa('dpkg-deb', ['--control', deb, directory]);
  return readFileSync(join(directory, name), 'utf8');
}
