import { expect, it } from 'vitest';
import { isMultiArchSame, usesDepends } from '../../src/debian/control.ts';

it('a variable is used where the paragraph of the package has it', () => {
  const control =
    'Source: shop\n\nPackage: shop\nDepends: x\n\nPackage: till\nDepends: ${misc:Depends},\n ${pyclink:Depends}\n';
  expect(['shop', 'till', 'shops'].map((name) => usesDepends(control, name))).toEqual([false, true, false]);
});

it('a package is shared by architectures where its paragraph says so', () => {
  const control =
    'Source: shop\n\nPackage: shop\nMulti-Arch: foreign\n\nPackage: till\nmulti-arch: same \nDescription: Multi-Arch: same\n';
  expect(['shop', 'till', 'shops'].map((name) => isMultiArchSame(control, name))).toEqual([false, true, false]);
});
