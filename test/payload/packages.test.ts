import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packagesOf } from '../../src/payload/packages.ts';
import { plant, temporaryDirectory } from '../helpers/buildroot.ts';

it('finds packages at any depth and through symlinks, each directory once', () => {
  const top = temporaryDirectory();
  plant(top, { 'dist/a/b/c/deep.deb': '', 'elsewhere/far.deb': '', 'elsewhere/more/further.rpm': '' });
  symlinkSync('..', join(top, 'dist/a/up'));
  symlinkSync('../elsewhere', join(top, 'dist/link'));
  symlinkSync('../elsewhere', join(top, 'dist/link2'));
  const names = ['a/b/c/deep.deb', 'link/far.deb', 'link/more/further.rpm'];
  expect(packagesOf(join(top, 'dist'))).toEqual(names.map((name) => join(top, 'dist', name)));
});
