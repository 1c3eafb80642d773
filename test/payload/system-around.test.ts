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
  ['/usr/share/shop', '/usr/share/shop'],
  ['/tmp/tree', '/tmp/tree'],
  ['/tmp/tree/usr', '/tmp/tree'],
  ['/tmp/tree/usr/local/lib/python3.13/site-packages', '/tmp/tree'],
  ['/tmp/tree/usr/lib/pypy3.9/site-packages', '/tmp/tree'],
  ['/tmp/tree/opt/shop/lib/python3.13', '/tmp/tree/opt/shop'],
])('around %s is %s', (directory, root) => {
  expect(systemAround(directory as StagedPath)).toBe(root);
});

it('of what interpreters run from is /: a virtual environment, or a prefix', () => {
  const [environment, prefix] = [plantBuildroot({ '/pyvenv.cfg': '' }), plantBuildroot({ '/bin/python3': '' })];
  for (const directory of [environment, `${environment}/lib/python3.13/site-packages`, prefix]) {
    expect(systemAround(directory as StagedPath)).toBe('/');
  }
});

it('of a whole system is that, although it has interpreters', () => {
  const root = plantBuildroot({ '/bin/python3': '', '/usr/bin/python3': '' });
  expect(systemAround(root as StagedPath)).toBe(root);
});
