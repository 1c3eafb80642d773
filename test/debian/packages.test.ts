import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeWith, missingTools } from '../../integration/helpers/tools.ts';
import {
  changelogSeconds,
  findDirectories,
  keepManifest,
  listPackages,
  manifestFile,
} from '../../src/debian/packages.ts';
import { type Planted, plant, temporaryDirectory } from '../helpers/buildroot.ts';

const control = `Source: shop
Maintainer: A Packager <packager@example.org>

Package: python3-shop
Architecture: all
Description: public modules

Package: shop
Architecture: any
Description: application
`;
const changelog = `shop (1.0) unstable; urgency=medium

  * First release.

 -- A Packager <packager@example.org>  Tue, 14 Nov 2023 22:13:20 +0000
`;
const sourcePackage = { 'debian/control': control, 'debian/compat': '13\n' };

function plantSource(files: Readonly<Record<string, Planted>>): string {
  const source = temporaryDirectory();
  plant(source, files);
  return source;
}

function directoriesOf(files: Readonly<Record<string, Planted>>, named: readonly string[] = []) {
  const source = plantSource(files);
  return findDirectories({ source, name: 'shop', tree: join(source, 'debian/shop') }, named);
}

const inPackage = (...paths: string[]) => Object.fromEntries(paths.map((path) => [`debian/shop${path}`, '']));
const script = (...calls: string[]) => ({
  'debian/shop.postinst.debhelper': calls.map((call) => `\tpy3compile -p shop ${call}\n`).join(''),
});

describe('findDirectories', () => {
  it.each<[string, Readonly<Record<string, Planted>>, readonly string[], object]>([
    ['nothing in an empty package', {}, [], []],
    ['nothing in a package without Python', inPackage('/usr/lib/shop.conf', '/usr/share/doc/shop/a'), [], []],
    [
      'the public directories of every Python 3, and of no other',
      inPackage(
        '/usr/lib/python3/dist-packages/a.py',
        '/usr/lib/python3.11/dist-packages/b.py',
        '/usr/lib/python2.7/dist-packages/c.py',
        '/usr/lib/python3-shop/dist-packages/d.py',
        '/usr/lib/python3.12/e.py',
      ),
      [],
      [{ paths: ['/usr/lib/python3/dist-packages', '/usr/lib/python3.11/dist-packages'], python: undefined }],
    ],
    [
      "the private directories that are named like the package, as dh_python3's defaults are",
      inPackage(
        '/usr/lib/shop/a',
        '/usr/share/shop/a',
        '/usr/lib/games/shop/a',
        '/usr/share/games/shop/a',
        '/opt/shop/a',
      ),
      [],
      [
        {
          paths: ['/usr/lib/shop', '/usr/share/shop', '/usr/lib/games/shop', '/usr/share/games/shop'],
          python: undefined,
        },
      ],
    ],
    [
      'what dh_python3 was told of, by the Python it was told',
      { ...inPackage('/opt/a/x', '/opt/b/x', '/usr/share/shop/x'), ...script('/opt/a', '/opt/b -V 3.9', '/opt/gone') },
      [],
      [
        { paths: ['/usr/share/shop', '/opt/a'], python: undefined },
        { paths: ['/opt/b'], python: 'python3.9' },
      ],
    ],
    [
      'a directory for a range of versions by the default Python',
      { ...inPackage('/opt/a/x'), ...script('/opt/a -V 3.9-') },
      [],
      [{ paths: ['/opt/a'], python: undefined }],
    ],
    [
      'what the caller names, once, where it is a directory of the package',
      { ...inPackage('/opt/a/x', '/opt/file'), 'debian/shop/opt/link': { symlink: 'a' } },
      ['/opt/a', '/opt/file', '/opt/link', '/opt/gone', '/opt/a'],
      [{ paths: ['/opt/a'], python: undefined }],
    ],
  ])('finds %s', (_, files, named, expected) => {
    expect(directoriesOf(files, named).map(({ excludeRegex: _, ...directories }) => directories)).toEqual(expected);
  });
});

it('the manifest of a package is kept in a directory that is made', () => {
  const target = { source: plantSource({ 'debian/.debhelper/generated/shop/pyclink.json': '{}' }), name: 'shop' };
  expect(manifestFile(target)).toBe(join(target.source, 'debian/.debhelper/generated/shop/pyclink.json'));
  keepManifest(target, 'out/manifests');
  expect(readFileSync(join(target.source, 'out/manifests/shop.json'), 'utf8')).toBe('{}');
});

const everything = { selection: [], onlyRemaining: false, packageDirectory: undefined };

describeWith(missingTools('dh_listpackages', 'dpkg-parsechangelog'), "debhelper's own answers", () => {
  it.each([
    [[], ['python3-shop', 'shop']],
    [['-i'], ['python3-shop']],
    [['-a', '-Nshop'], []],
    [['-pshop'], ['shop']],
  ])('are for %j the packages %j', async (selection, names) => {
    const source = plantSource(sourcePackage);
    expect(await listPackages(source, { ...everything, selection })).toEqual(
      names.map((name) => ({ source, name, tree: join(source, 'debian', name) })),
    );
  });

  it('are in the directory that -P names', async () => {
    const source = plantSource(sourcePackage);
    const call = { ...everything, selection: ['-pshop'], packageDirectory: 'debian/tmp' };
    expect(await listPackages(source, call)).toEqual([{ source, name: 'shop', tree: join(source, 'debian/tmp') }]);
  });

  it.each([
    ['no source package', {}, []],
    ['an unknown package', sourcePackage, ['-pshops']],
  ])('end the run for %s', async (_, files, selection) => {
    await expect(listPackages(plantSource(files), { ...everything, selection })).rejects.toMatchObject({
      code: 'tool-failed',
      message: expect.stringMatching(/^dh_listpackages: .+/),
    });
  });

  it('are the time of the newest changelog entry, if there is one', async () => {
    expect(await changelogSeconds(plantSource({ 'debian/changelog': changelog }))).toBe('1700000000');
    expect(await changelogSeconds(plantSource({}))).toBeUndefined();
  });
});
