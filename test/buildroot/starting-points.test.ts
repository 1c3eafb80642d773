import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import { startingPoints } from '../../src/buildroot/starting-points.ts';
import { plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';

const planted = {
  'usr/lib/a.py': 'text',
  'usr/lib/link.py': { symlink: 'a.py' },
  'usr/lib/dangling.py': { symlink: 'nothing' },
  lib: { symlink: 'usr/lib' },
  lib64: { symlink: '/usr/lib' },
  'usr/lib/host.py': { symlink: '/proc/version' },
  'usr/lib/host': { symlink: '/proc' },
  away: { symlink: '../elsewhere' },
} as const;

describe('startingPoints', () => {
  it('resolves .. after a symlink as the kernel does', () => {
    const root = plantBuildroot({
      'a/b/c': { directory: true },
      link: { symlink: 'a/b/c' },
      'a/b/x.py': '',
      'x.py': '',
    });
    const buildroot = openTree(root);
    expect(startingPoints(buildroot, [`${root}/link/../x.py`])).toEqual([join(root, 'a/b/x.py')]);
    expect(startingPoints(openTree('/'), [`${root}/link/../x.py`])).toEqual([join(root, 'a/b/x.py')]);
    symlinkSync(temporaryDirectory(), join(root, 'out'));
    expect(() => startingPoints(buildroot, [`${root}/out/../x.py`])).toThrow('not in the buildroot');
  });

  it.each([
    [['/usr/lib'], ['/usr/lib']],
    [['/usr/lib/'], ['/usr/lib']],
    [['/'], ['']],
    [['/usr/lib/a.py'], ['/usr/lib/a.py']],
    [['/lib'], ['/usr/lib']],
    [['/lib64'], ['/usr/lib']],
    [['/lib64/a.py'], ['/usr/lib/a.py']],
    [['/usr/lib/link.py'], ['/usr/lib/link.py']],
    [['/usr/lib/dangling.py'], ['/usr/lib/dangling.py']],
    [['/usr/lib/host.py'], ['/usr/lib/host.py']],
    [
      ['/usr/lib', '/lib', '/usr'],
      ['/usr/lib', '/usr'],
    ],
    [[], []],
  ])('of %j are %j', (paths, points) => {
    const buildroot = openTree(plantBuildroot(planted));
    const staged = points.map((point) => buildroot.path + point);
    expect(startingPoints(buildroot, paths)).toEqual(staged);
    expect(
      startingPoints(
        buildroot,
        paths.map((path) => buildroot.path + path),
      ),
    ).toEqual(staged);
  });

  it.each(['/usr/lib/host', '/away', '/lib64/host'])('do not follow %s out of the buildroot', (path) => {
    const buildroot = openTree(plantBuildroot(planted));
    expect(() => startingPoints(buildroot, [path])).toThrow(
      expect.objectContaining({ code: 'usage', message: `${path}: points outside the buildroot` }),
    );
  });

  it('reports every PATH that cannot be used', () => {
    const buildroot = openTree(plantBuildroot(planted));
    expect(() => startingPoints(buildroot, ['usr/lib', '', '/usr/lib', '/opt', '/away/a.py'])).toThrow(
      expect.objectContaining({
        code: 'usage',
        exitStatus: 2,
        message:
          'usr/lib: not in the buildroot; : a PATH must not be empty; /opt: not in the buildroot; ' +
          '/away/a.py: points outside the buildroot',
        hint: `a PATH is as installed (/usr/lib/…), or starts with the buildroot ${buildroot.path}`,
      }),
    );
  });
});
