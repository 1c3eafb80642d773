/** What rpmlint and lintian find in the packages of faulty trees, beside audit: the table in docs/audit.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';

import { temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { faults, type PlainKind, type Tree } from './helpers/faulty-tree.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const kinds = Object.keys(faults) as PlainKind[];
const nothing = Object.fromEntries(kinds.map((kind) => [kind, [] as string[]]));

/** The kinds that audit finds in a package. */
async function audited(file: string): Promise<string[]> {
  const { stdout } = await pyclink(['audit', '--json', file]);
  const { findings } = JSON.parse(stdout) as { findings: { kind: string }[] };
  return [...new Set(findings.map(({ kind }) => kind))];
}

/** What a checker says about bytecode, by the kind of fault in the package: its lines name the packages `shop-KIND`. */
function saidOf(output: string): Record<string, string[]> {
  const said = new Map(kinds.map((kind) => [kind as string, new Set<string>()]));
  for (const [, kind = '', check = ''] of output.matchAll(
    /^(?:[EWIP]: )?shop-([a-z-]+?)(?:\.noarch)?: (?:[EWI]: )?(\S+)/gm,
  )) {
    if (/bytecode|pyc/.test(check)) said.get(kind)?.add(check);
  }
  return Object.fromEntries(Array.from(said, ([kind, checks]) => [kind, [...checks]]));
}

describeWith(
  missingTools('rpmbuild', 'rpm2archive', 'rpmlint', 'dpkg-deb', 'lintian'),
  'packages with one fault',
  () => {
    it('as rpms: audit finds each fault, rpmlint four of them, and nothing else', async () => {
      const rpms = await packed(rpmOf);
      const { stdout } = await execa('rpmlint', rpms, { env: { HOME: temporaryDirectory() }, reject: false });
      expect(saidOf(stdout)).toEqual({
        ...nothing,
        'never-loaded': ['python-bytecode-inconsistent-mtime'],
        // It knows no magic number of 3.8 or later.
        foreign: [],
        sourceless: ['python-bytecode-without-source'],
        orphan: ['python-bytecode-without-source'],
        leftover: ['python-bytecode-without-source'],
      });
    });

    it('as debs: audit finds each fault; lintian only reports that there are pycs', async () => {
      const debs = await packed(debOf);
      const { stdout } = await execa('lintian', ['--allow-root', '--fail-on', 'none', ...debs]);
      const cacheDirectory = 'package-installs-python-pycache-dir';
      expect(saidOf(stdout)).toEqual({
        ...Object.fromEntries(kinds.map((kind) => [kind, [cacheDirectory]])),
        sourceless: ['package-installs-python-bytecode', cacheDirectory],
      });
    });
  },
);

/** Packs a tree for each kind of fault, and has audit find that fault in the package. */
async function packed(pack: (kind: PlainKind, tree: Tree) => Promise<string>): Promise<string[]> {
  const files: string[] = [];
  for (const kind of kinds) {
    const file = await pack(kind, await faults[kind]());
    // The pycs of a deb are made when it is installed.
    expect(await audited(file)).toEqual(kind === 'no-bytecode' && file.endsWith('.deb') ? [] : [kind]);
    files.push(file);
  }
  return files;
}

async function rpmOf(kind: PlainKind, { buildroot }: Tree): Promise<string> {
  const work = temporaryDirectory();
  const spec = join(work, 'shop.spec');
  const head = `Name: shop-${kind}\nVersion: 1\nRelease: 1\nSummary: Shop\nLicense: MIT\nBuildArch: noarch\n`;
  writeFileSync(spec, `${head}%description\nShop.\n%install\ncp -a ${buildroot}/. %{buildroot}\n%files\n/usr\n`);
  const macros = [`_topdir ${work}`, '__os_install_post %{nil}'].flatMap((macro) => ['--define', macro]);
  await execa('rpmbuild', ['-bb', ...macros, spec]);
  return join(work, `RPMS/noarch/shop-${kind}-1-1.noarch.rpm`);
}

async function debOf(kind: PlainKind, { buildroot }: Tree): Promise<string> {
  const control = `Package: shop-${kind}\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: shop\n it sells\n`;
  mkdirSync(join(buildroot, 'DEBIAN'));
  writeFileSync(join(buildroot, 'DEBIAN/control'), control);
  const deb = join(buildroot, '../shop.deb');
  await execa('dpkg-deb', ['--root-owner-group', '--build', buildroot, deb]);
  return deb;
}
