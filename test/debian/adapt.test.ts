import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { adaptPackage } from '../../src/debian/adapt.ts';
import type { DebhelperCall } from '../../src/debian/call.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';

it('keeps the bytes of a snippet that are not UTF-8', () => {
  const source = plantBuildroot({ 'debian/control': 'Package: shop\n', 'debian/shop/usr': { directory: true } });
  const file = join(source, 'debian/shop.prerm.debhelper');
  const section = '# Automatically added by dh_python3\npy3clean -p shop\n# End automatically added section\n';
  writeFileSync(file, `echo caf\xe9\n${section}`, 'latin1');
  const call = { postinst: 'keep', scripts: true, lintianOverrides: false } as DebhelperCall;
  const target = { source, name: 'shop', tree: join(source, 'debian/shop'), isShared: false };
  adaptPackage(target, { sources: [], versions: ['3.13'], areHashBased: false }, call);
  const after = readFileSync(file, 'latin1');
  expect(after).toContain('DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT');
  expect(after.startsWith('echo caf\xe9\n')).toBe(true);
});
