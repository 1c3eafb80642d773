import { mkdirSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { placesOf } from '../../src/rpm/places.ts';
import { plant, temporaryDirectory } from '../helpers/buildroot.ts';

/** A buildroot and other trees beside it, and a symlink `linked` to all of them. */
function planted() {
  const top = temporaryDirectory();
  plant(top, { 'root/usr/share/a.py': '', 'build/sub/b.py': '', 'build/c.py': '' });
  mkdirSync(join(top, 'links'));
  symlinkSync(top, join(top, 'links/linked'));
  return { buildroot: join(top, 'root'), build: join(top, 'build'), linked: join(top, 'links/linked') };
}

const none = { staged: [], elsewhere: new Map(), missing: [] };

describe('placesOf', () => {
  it('recognizes paths in the buildroot by any of its names', () => {
    const { buildroot, linked } = planted();
    const inside = join(buildroot, 'usr/share');
    const alias = join(linked, 'root/usr/share');
    expect(placesOf(buildroot, [inside, `${inside}/a.py`, relative('.', inside)])).toEqual({
      ...none,
      staged: [inside, `${inside}/a.py`, inside],
    });
    expect(placesOf(buildroot, [alias])).toEqual({ ...none, staged: [inside] });
    expect(placesOf(join(linked, 'root'), [inside, alias])).toEqual({ ...none, staged: [inside, alias] });
  });

  it('groups paths outside the buildroot by directory', () => {
    const { buildroot, build } = planted();
    const paths = [`${build}/sub`, `${build}/c.py`, `${relative('.', build)}/sub/../sub/b.py`];
    expect(placesOf(buildroot, paths)).toEqual({
      ...none,
      elsewhere: new Map([
        [`${build}/sub`, [`${build}/sub`, `${build}/sub/b.py`]],
        [build, [`${build}/c.py`]],
      ]),
    });
  });

  it('returns missing paths as given, even if there is no buildroot yet', () => {
    const { buildroot, build } = planted();
    const paths = [`${buildroot}/usr/*.py`, 'nowhere/at-all'];
    expect(placesOf(buildroot, paths)).toEqual({ ...none, missing: paths });
    expect(placesOf(join(build, 'none'), [`${build}/sub`])).toEqual({
      ...none,
      elsewhere: new Map([[`${build}/sub`, [`${build}/sub`]]]),
    });
  });
});
