import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { locateTarget } from '../../src/payload/located-target.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';

const planted = {
  'tree/a.py': '',
  'tree/__pycache__/a.x.pyc': '',
  'image/oci-layout': '',
  'image:odd/a.py': '',
  'shop.deb': '',
};

describe('locateTarget', () => {
  it.each([
    ['tree', { kind: 'tree', path: 'tree' }],
    ['image', { kind: 'image-directory', path: 'image' }],
    ['image:shop:1', { kind: 'image-directory', path: 'image', reference: 'shop:1' }],
    ['image:odd', { kind: 'tree', path: 'image:odd' }],
    ['shop.deb', { kind: 'file', path: 'shop.deb' }],
    ['shop.deb:1', { kind: 'file', path: 'shop.deb', reference: '1' }],
  ])('knows what %s is', (name, { path, ...located }) => {
    const top = plantBuildroot(planted);
    const target = join(top, name);
    expect(locateTarget(target)).toEqual({ target, path: join(top, path), ...located });
  });

  it.each([
    ['missing', 'cannot be opened (ENOENT)'],
    ['missing:1', 'cannot be opened (ENOENT)'],
    ['tree:1', 'is not an image'],
    ['tree/__pycache__/', 'is a __pycache__'],
    ['long'.repeat(99), 'cannot be opened (ENAMETOOLONG)'],
  ])('refuses %s', (name, reason) => {
    expect(() => locateTarget(join(plantBuildroot(planted), name))).toThrow(reason);
  });
});
