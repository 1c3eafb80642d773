import { describe, expect, it } from 'vitest';
import {
  bcepText,
  dependsText,
  privateDirectories,
  usesDepends,
  withoutClean,
  withoutCompileSections,
  withSubstvar,
} from '../../src/debian/maintainer-scripts.ts';

const section = (call: string) =>
  `\n# Automatically added by dh_python3\nif command -v py3compile >/dev/null 2>&1; then\n\tpy3compile ${call}\nfi\n` +
  '\n# End automatically added section\n';
const other = '\n# Automatically added by dh_installsystemd/13\ntrue\n# End automatically added section\n';
const publicSection = section('-p shop ');
const privateSection = section('-p shop:amd64 /usr/share/shop -V 3.11');

describe('the postinst', () => {
  it('names private directories and their versions', () => {
    const text = publicSection + privateSection + other + section('-p shop /opt/shop -X tests');
    expect(privateDirectories(text)).toEqual([
      { directory: '/usr/share/shop', versions: '3.11' },
      { directory: '/opt/shop', versions: undefined },
    ]);
  });

  it('loses what compiles, and nothing else', () => {
    const text = other + publicSection + privateSection;
    expect(withoutCompileSections(text, 'all')).toBe(other);
    expect(withoutCompileSections(text, 'private')).toBe(other + publicSection);
    expect(withoutCompileSections(other, 'all')).toBe(other);
  });
});

it('the rtupdate hook loses its cleaning, once and for all', () => {
  const hook =
    'if [ "$1" = rtupdate ]; then\n\tpy3clean -p shop /usr/share/shop\n\tpy3compile -p shop  /usr/share/shop\nfi';
  const expected = 'if [ "$1" = rtupdate ]; then\n\tpy3compile -p shop  /usr/share/shop\nfi';
  expect(withoutClean(hook)).toBe(expected);
  expect(withoutClean(expected)).toBe(expected);
});

it('bcep names packages and modules at the top of dist-packages, for each version', () => {
  const library = '/usr/lib/python3/dist-packages';
  const sources = [`${library}/shop/a/b.py`, `${library}/shop/c.py`, `${library}/one.py`, '/usr/share/shop/main.py'];
  expect(bcepText(sources, ['3.11.2', '3.12.1'])).toBe(
    `dir|3.11|${library}/shop/\ndir|3.12|${library}/shop/\nfile|3.11|${library}/one.py\nfile|3.12|${library}/one.py\n`,
  );
});

it('a substvar is set or replaced', () => {
  const set = withSubstvar('misc:Depends=\n', 'pyclink:Depends', 'a');
  expect(set).toBe('misc:Depends=\npyclink:Depends=a\n');
  expect(withSubstvar(set, 'pyclink:Depends', 'b')).toBe('misc:Depends=\npyclink:Depends=b\n');
});

it.each([
  [['3.11.2'], 'python3 (>= 3.11), python3 (<< 3.12)'],
  [['3.13.0', '3.9.2'], 'python3 (>= 3.9), python3 (<< 3.14)'],
  [[], ''],
])('the dependency for %j is %j', (versions, expected) => {
  expect(dependsText(versions)).toBe(expected);
});

it('a variable is used where the paragraph of the package has it', () => {
  const control =
    'Source: shop\n\nPackage: shop\nDepends: x\n\nPackage: till\nDepends: ${misc:Depends},\n ${pyclink:Depends}\n';
  expect(['shop', 'till', 'shops'].map((name) => usesDepends(control, name))).toEqual([false, true, false]);
});
