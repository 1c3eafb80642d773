import { symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { contentsOf } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { changesSince, expectHealthy, healthyAdds, library, plantBesideHealthy } from './helpers/healthy.ts';

const unchanged = { added: [], changed: [], gone: [] };
const systemHint = '    hint: give the directory that the package is staged in, or --in-place\n';

/** Only with a PATH of the test's own: if `/` were taken for a buildroot, nothing of this machine would be touched. */
const build = (buildroot: string, value: string, ...args: string[]) =>
  pyclink(['build', '-q', ...args, join(buildroot, library)], { env: { RPM_BUILD_ROOT: value } });

test.each<[string, (buildroot: string) => string, (value: string) => string]>([
  ['empty', () => '', () => 'no buildroot\n    hint: give --buildroot DIR, or set RPM_BUILD_ROOT\n'],
  ['/', () => '/', () => `/: the buildroot is the running system\n${systemHint}`],
  ['//', () => '//', () => `//: the buildroot is the running system\n${systemHint}`],
  ['/ in other words', () => '/usr/../', (value) => `${value}: the buildroot is the running system\n${systemHint}`],
  [
    'missing',
    (buildroot) => `${buildroot}-missing`,
    (value) => `${value}: cannot be opened (ENOENT)\n    hint: has anything been installed into it?\n`,
  ],
  ['a file', (buildroot) => `${buildroot}${library}/kernel/healthy.py`, (value) => `${value}: is not a directory\n`],
  [
    'relative, and missing',
    () => 'buildroot',
    (value) => `${value}: cannot be opened (ENOENT)\n    hint: has anything been installed into it?\n`,
  ],
])('RPM_BUILD_ROOT %s is refused, and nothing is touched', async (_, value, complaint) => {
  const buildroot = plantBesideHealthy({});
  const before = contentsOf(dirname(buildroot));
  const given = value(buildroot);
  const ran = await build(buildroot, given);
  expect(ran).toEqual({ status: 2, stdout: '', stderr: `pyclink: error: ${complaint(given)}` });
  expect(changesSince(before, dirname(buildroot))).toEqual(unchanged);
  expect((await build(buildroot, given, '--buildroot', buildroot)).status).toBe(0);
  await expectHealthy(buildroot);
});

test('RPM_BUILD_ROOT that is a symlink to / is refused', async () => {
  const buildroot = plantBesideHealthy({});
  const link = `${buildroot}-link`;
  symlinkSync('/', link);
  const before = contentsOf(buildroot);
  const ran = await build(buildroot, link);
  const stderr = `pyclink: error: ${link}: the buildroot is the running system\n${systemHint}`;
  expect(ran).toEqual({ status: 2, stdout: '', stderr });
  expect(changesSince(before, buildroot)).toEqual(unchanged);
  expect((await build(buildroot, buildroot)).status).toBe(0);
  await expectHealthy(buildroot);
});

test.each<[string, (buildroot: string) => string]>([
  ['a symlink', (buildroot) => `${buildroot}-link`],
  ['a symlink with a slash', (buildroot) => `${buildroot}-link/`],
  ['a path over a symlink', (buildroot) => `${dirname(buildroot)}/over-link/buildroot`],
  ['a path with //', (buildroot) => buildroot.replaceAll('/', '//')],
  ['a path with a trailing slash', (buildroot) => `${buildroot}/`],
  ['a path with . and ..', (buildroot) => `${buildroot}/./usr/../.`],
])('RPM_BUILD_ROOT that is %s: the same bytecode', async (_, value) => {
  const buildroot = plantBesideHealthy({});
  symlinkSync('buildroot', `${buildroot}-link`);
  symlinkSync('.', join(dirname(buildroot), 'over-link'));
  const given = value(buildroot);
  const before = contentsOf(buildroot);
  for (const path of [library, join(given, library), `${given}//${library}/`]) {
    const ran = await pyclink(['build', '-q', path], { env: { RPM_BUILD_ROOT: given } });
    expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  }
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, changed: [], gone: [] });
  await expectHealthy(buildroot);
});
