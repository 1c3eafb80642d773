import { expect, it } from 'vitest';
import { dependsText, usesDepends, withSubstvar } from '../../src/debian/substvars.ts';

it('a variable is used where the paragraph of the package has it', () => {
  const control =
    'Source: shop\n\nPackage: shop\nDepends: x\n\nPackage: till\nDepends: ${misc:Depends},\n ${pyclink:Depends}\n';
  expect(['shop', 'till', 'shops'].map((name) => usesDepends(control, name))).toEqual([false, true, false]);
});

it('a substvar is set or replaced', () => {
  const set = withSubstvar('misc:Depends=\n', 'pyclink:Depends', 'a');
  expect(set).toBe('misc:Depends=\npyclink:Depends=a\n');
  expect(withSubstvar(set, 'pyclink:Depends', 'b')).toBe('misc:Depends=\npyclink:Depends=b\n');
});

it.each([
  [['3.11.2'], 'python3:any (>= 3.11), python3:any (<< 3.12)'],
  [['3.13.0', '3.9.2'], 'python3:any (>= 3.9), python3:any (<< 3.14)'],
  [[], ''],
])('the dependency for %j is %j', (versions, expected) => {
  expect(dependsText(versions)).toBe(expected);
});
