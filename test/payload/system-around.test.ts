import { expect, it } from 'vitest';
import type { StagedPath } from '../../src/files/path.ts';
import { systemAround } from '../../src/payload/system-around.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';

it.each<[directory: string, root: string]>([
  ['/', '/'],
  ['/usr', '/'],
  ['/usr/local', '/'],
  ['/usr/lib/python3/dist-packages', '/'],
  ['/usr/lib64/python3.13/site-packages/shop', '/'],
  ['/lib/python3.13', '/'],
  ['/usr/lib', '/'],
  ['/usr/lib/python3', '/'],
  ['/usr/share/shop', '/'],
  ['/srv/shop', '/srv/shop'],
  ['/usr/src/tree/usr/lib/python3', '/usr/src/tree'],
  ['/tmp/tree', '/tmp/tree'],
  ['/tmp/tree/usr', '/tmp/tree'],
  ['/tmp/tree/usr/local/lib/python3.13/site-packages', '/tmp/tree'],
  ['/tmp/tree/usr/lib/pypy3.9/site-packages', '/tmp/tree'],
  ['/opt/shop/lib/python3.13', '/'],
  ['/nix/store/0a-shop/lib/python3.13/site-packages', '/'],
])('around %s is %s', (directory, root) => {
  expect(systemAround(directory as StagedPath)).toBe(root);
});

it('of a virtual environment or a prefix is /', () => {
  const environment = plantBuildroot({ '/pyvenv.cfg': '' });
  const prefixes = [{ '/bin/python3': '' }, { '/lib/python3.13/site-packages/shop.py': '' }].map(plantBuildroot);
  const parts = [`${environment}/lib/python3.13/site-packages`, `${prefixes[1]}/lib`];
  for (const directory of [environment, ...prefixes, ...parts]) {
    expect(systemAround(directory as StagedPath)).toBe('/');
  }
});

it('of a whole system is the system itself', () => {
  const root = plantBuildroot({ '/bin/python3': '', '/usr/bin/python3': '' });
  expect(systemAround(root as StagedPath)).toBe(root);
});
