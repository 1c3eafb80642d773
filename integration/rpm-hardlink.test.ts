import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { contentsOf, linkGroupsIn, type Planted, plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { describeRpm, groupsInRpms, pycs, rpmbuilt, site } from './helpers/rpm.ts';

const same = 'the same bytes';

/** Pycs that others compiled: of all names, alike and not, in __pycache__ and beside their sources. */
const compiled: Record<string, Planted> = {
  ...alike('/usr/lib/a/__pycache__/three.cpython-311', [same, same, same]),
  ...alike('/usr/lib/a/__pycache__/low.cpython-311', [same, same, 'other']),
  ...alike('/usr/lib/a/__pycache__/high.cpython-311', ['other', same, same]),
  ...alike('/usr/lib/a/__pycache__/ends.cpython-311', [same, 'other', same]),
  ...alike('/usr/lib/a/__pycache__/none.cpython-311', ['1', '2', '3']),
  ...alike('/usr/lib/a/__pycache__/with space & "quotes".cpython-311', [same, same, 'other']),
  ...alike('/opt/b/__pycache__/elsewhere.pypy310', [same, same, same]),
  ...alike('/usr/share/c/legacy', [same, same, same]),
  '/usr/share/c/old.pyc': same,
  '/usr/share/c/old.pyo': same,
  '/usr/share/c/older.pyc': same,
  '/usr/share/c/older.pyo': 'other',
  '/usr/share/c/__pycache__/mixed.cpython-311.pyc': same,
  '/usr/share/c/__pycache__/mixed.cpython-311.pyo': same,
};

function alike(stem: string, contents: readonly string[]): Record<string, Planted> {
  return Object.fromEntries(
    contents.map((content, level) => [`${stem}${level === 0 ? '' : `.opt-${level}`}.pyc`, content]),
  );
}

/** What the script of old makes of a copy of a buildroot. */
async function scriptOfOld(files: Readonly<Record<string, Planted>>) {
  const buildroot = plantBuildroot(files);
  await execa('/usr/lib/rpm/brp-python-hardlink', [], { env: { RPM_BUILD_ROOT: buildroot } });
  return { buildroot, groups: linkGroupsIn(buildroot) };
}

async function hardlink(files: Readonly<Record<string, Planted>>) {
  const buildroot = plantBuildroot(files);
  const before = contentsOf(buildroot);
  const ran = await pyclink(['brp', 'hardlink'], { env: { RPM_BUILD_ROOT: buildroot } });
  expect(ran.status).toBe(0);
  expect(contentsOf(buildroot)).toEqual(before);
  return { buildroot, groups: linkGroupsIn(buildroot), ...ran };
}

/** The groups of one that are not within a group of the other. */
function notWithin(groups: readonly string[][], others: readonly string[][]): string[][] {
  return groups.filter((group) => !others.some((other) => group.every((path) => other.includes(path))));
}

describeRpm('brp-pyclink-hardlink', () => {
  it('makes every link that brp-python-hardlink makes', async () => {
    const [old, ours] = [await scriptOfOld(compiled), await hardlink(compiled)];
    expect(old.groups.filter((group) => group.length > 1).length).toBeGreaterThan(7);
    expect(notWithin(old.groups, ours.groups)).toEqual([]);
  });

  it('links what the old script misses: a name with a backslash', async () => {
    const files = alike('/usr/lib/a/__pycache__/back\\slash.cpython-311', [same, same, same]);
    expect((await scriptOfOld(files)).groups.map((group) => group.length)).toEqual([1, 1, 1]);
    expect((await hardlink(files)).groups.map((group) => group.length)).toEqual([3]);
  });

  it.each(['pyc', 'pyo'])(
    'does not link a file of mode 0600 to one of 0644 (%s), as the old script does',
    async (suffix) => {
      const stem = '/usr/share/c/secret';
      const other = suffix === 'pyc' ? `${stem}.opt-1.pyc` : `${stem}.pyo`;
      const files = { [`${stem}.pyc`]: same, [other]: { content: same, mode: 0o600 } };
      const old = await scriptOfOld(files);
      expect(lstatSync(join(old.buildroot, other))).toMatchObject({ mode: 0o100644, nlink: 2 });
      const ours = await hardlink(files);
      expect(lstatSync(join(ours.buildroot, other))).toMatchObject({ mode: 0o100600, nlink: 1 });
    },
  );

  it('links equal files next to different ones', async () => {
    const stem = '/usr/share/c/__pycache__/m.cpython-311';
    const files: Record<string, Planted> = {
      [`${stem}.pyc`]: { content: same, mode: 0o600 },
      [`${stem}.opt-1.pyc`]: { content: same, mode: 0o644 },
      [`${stem}.opt-2.pyc`]: { content: same, mode: 0o600 },
    };
    const { groups, stderr } = await hardlink(files);
    expect(stderr).toBe(`pyclink: warning: ${stem}.opt-2.pyc: not linked: the identical pycs differ in mode\n`);
    expect(groups).toEqual(
      [[`${stem}.opt-1.pyc`], [`${stem}.opt-2.pyc`, `${stem}.pyc`]].map((group) => group.map((path) => path.slice(1))),
    );
  });

  it('reports in a line what it did, and nothing if there was nothing to do', async () => {
    const files = alike('/usr/lib/a/__pycache__/a.cpython-311', [same, same, 'other']);
    expect((await hardlink(files)).stdout).toBe('pyclink: 3 pycs, 1 link made, 0.0 KiB saved\n');
    expect((await hardlink({ '/usr/lib/a.py': '' })).stdout).toBe('');
  });

  it('links what %install compiled if only the compile step is off', async () => {
    const source = `${site}/shop.py`;
    const build = await rpmbuilt({
      world: 'fedora',
      preamble: '%undefine py_auto_byte_compile',
      plant: { [source]: 'x = 1\n' },
      install: `/usr/bin/python3 -m compileall -q -o 0 -o 1 -s %{buildroot} -p / %{buildroot}${site}`,
    });
    expect(await groupsInRpms(build.rpms)).toEqual([pycs(source).sort()]);
  });
});
