import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDirectories, keepManifest, manifestFile } from '../../src/debian/packages.ts';
import { type Planted, plant, temporaryDirectory } from '../helpers/buildroot.ts';

function plantSource(files: Readonly<Record<string, Planted>>): string {
  const source = temporaryDirectory();
  plant(source, files);
  return source;
}

function directoriesOf(files: Readonly<Record<string, Planted>>, named: readonly string[] = []) {
  const source = plantSource(files);
  return findDirectories({ source, name: 'shop', tree: join(source, 'debian/shop'), isShared: false }, named);
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

it('copies the manifest of a package to a new directory', () => {
  const target = { source: plantSource({ 'debian/.debhelper/generated/shop/pyclink.json': '{}' }), name: 'shop' };
  expect(manifestFile(target)).toBe(join(target.source, 'debian/.debhelper/generated/shop/pyclink.json'));
  keepManifest(target, 'out/manifests');
  expect(readFileSync(join(target.source, 'out/manifests/shop.json'), 'utf8')).toBe('{}');
});
