import { linkSync, lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import { Scope } from '../../src/buildroot/scope.ts';
import type { StagedPath } from '../../src/files/path.ts';
import { lstat } from '../../src/files/stat.ts';
import { plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';

function planted(...paths: string[]) {
  const buildroot = openTree(
    plantBuildroot({
      'opt/a.py': 'x = 1\n',
      'opt/lib/b.py': { hardLink: 'opt/a.py' },
      'opt/data': { hardLink: 'opt/a.py' },
      'opt/link': { symlink: '../srv' },
      'optional/c.py': { hardLink: 'opt/a.py' },
      'srv/d.py': { hardLink: 'opt/a.py' },
    }),
  );
  const at = (path: string) => join(buildroot.path, path) as StagedPath;
  const scope = new Scope(buildroot, paths);
  const names = (path: string) =>
    scope.namesOf(at(path), lstat(at(path)).identity).map((name) => name.slice(buildroot.path.length));
  return { at, names, includes: (path: string) => scope.includes(at(path)) };
}

describe('Scope', () => {
  it('covers the whole buildroot if no PATH is given, with each name once', () => {
    const { includes, names } = planted();
    expect(['opt/a.py', 'srv/d.py'].map(includes)).toEqual([true, true]);
    expect(names('opt/data')).toEqual(['/opt/data', ...['/opt/a.py', '/opt/lib/b.py', '/optional/c.py', '/srv/d.py']]);
    expect(planted('/', '/opt', '/opt/lib/b.py').names('srv/d.py')).toHaveLength(5);
  });

  it('covers only the PATHs, which may be files', () => {
    const { includes, names } = planted('/opt/lib', '/srv/d.py');
    expect(['opt/lib/b.py', 'srv/d.py', 'opt/a.py', 'optional/c.py', 'srv'].map(includes)).toEqual([
      ...[true, true],
      ...[false, false, false],
    ]);
    expect(names('opt/lib/b.py')).toEqual(['/opt/lib/b.py', '/srv/d.py']);
    expect(planted('/opt').includes('optional/c.py')).toBe(false);
  });

  it('drops names that are missing or another file', () => {
    const { at, names } = planted('/opt');
    expect(names('opt/a.py')).toHaveLength(3);
    rmSync(at('opt/data'));
    rmSync(at('opt/lib/b.py'));
    linkSync(at('opt/link'), at('opt/lib/b.py'));
    expect(names('opt/a.py')).toEqual(['/opt/a.py']);
  });

  it('excludes other file systems and those of the kernel in the running system', () => {
    const top = temporaryDirectory();
    const system = openTree('/');
    const scope = new Scope(system, ['/']);
    expect(lstatSync('/dev').dev).not.toBe(lstatSync('/').dev);
    expect(['/dev/null', '/proc/version', '/usr/lib'].map((path) => scope.includes(path as StagedPath))).toEqual([
      ...[false, false],
      true,
    ]);
    expect(new Scope(system, [top]).includes(join(top, 'x.py') as StagedPath)).toBe(true);
  });
});
