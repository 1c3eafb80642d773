/** Runs that add to one manifest: at the same time, and after a later version of pyclink has written it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../src/manifest/schema.ts';
import { everythingIn, plant, plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';

const packages = '/usr/lib/python3/dist-packages';
/** A run that waits for the lock for a second says so. */
const done = { status: 0, stderr: expect.stringMatching(/^(?:pyclink: warning: waiting for another process .*\n)*$/) };

/** Sources in ten packages. */
const names = Array.from({ length: 10 }, (_, i) => `p${i}`);
const sources = Object.fromEntries(
  names.flatMap((name) =>
    Array.from({ length: 5 }, (_, i) => [`${packages}/${name}/m${i}.py`, `"""${name}."""\nx = ${i}\nassert x\n`]),
  ),
);

const read = (path: string) => readFileSync(path, 'utf8');
const outputsOf = (buildroot: string) => ({
  manifest: join(buildroot, '../m.json'),
  filelist: join(buildroot, '../list'),
  html: join(buildroot, '../page.html'),
});

/** Builds with an output of each kind. */
async function build(buildroot: string, ...more: string[]): Promise<void> {
  const outputs = Object.entries(outputsOf(buildroot)).flatMap(([name, file]) => [`--${name}`, file]);
  expect(await pyclink(['build', '--buildroot', buildroot, '-q', ...outputs, ...more])).toMatchObject(done);
}

async function verify(buildroot: string): Promise<void> {
  const ran = await pyclink(['verify', '--manifest', outputsOf(buildroot).manifest, buildroot]);
  expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('all as built') });
}

describe('ten runs at once', () => {
  it('write the same as one run over everything', async () => {
    const [buildroot, other] = [plantBuildroot(sources), plantBuildroot(sources)];
    await build(other, '/');
    await Promise.all(names.map((name) => build(buildroot, '--append', `${packages}/${name}`)));
    for (const kind of ['manifest', 'filelist', 'html'] as const) {
      const text = read(outputsOf(buildroot)[kind]).replaceAll(buildroot, other);
      expect(text).toBe(read(outputsOf(other)[kind]));
    }
    expect(everythingIn(join(buildroot, '..')).filter((path) => /\.lock$|\.pyclink-/.test(path))).toEqual([]);
  });

  it('of restamp leave no stale pyc', async () => {
    const buildroot = plantBuildroot(sources);
    const { manifest } = outputsOf(buildroot);
    await build(buildroot, '/');
    const restamp = ['restamp', '--buildroot', buildroot, '--manifest', manifest, '--mtime'];
    const runs = names.map((_, i) => pyclink([...restamp, `${i}`]));
    for (const run of runs) expect(await run).toMatchObject(done);
    await verify(buildroot);
  });

  it('and restamp of existing pycs keep the records of each other', async () => {
    const [first, ...others] = names as [string, ...string[]];
    const buildroot = plantBuildroot(sources);
    const { manifest } = outputsOf(buildroot);
    await build(buildroot, '--append', `${packages}/${first}`);
    const restamp = ['restamp', '--buildroot', buildroot, '--mtime', '1', '--manifest', manifest];
    const restamped = pyclink([...restamp, `${packages}/${first}`]);
    await Promise.all(others.map((name) => build(buildroot, '--append', `${packages}/${name}`)));
    expect(await restamped).toMatchObject(done);
    await verify(buildroot);
    expect(JSON.parse(read(manifest)).totals.pycs).toBe(150);
  });
});

describe('a manifest of a later version', () => {
  const later = <T extends object>(what: T) => ({ ...what, later: [1, { two: 'three' }] });

  it('is read by every command; --append and restamp keep its additional fields', async () => {
    const buildroot = plantBuildroot({ ...sources, '/opt/other.py': 'y = 1\n' });
    const { manifest } = outputsOf(buildroot);
    await build(buildroot, packages);
    const written = JSON.parse(read(manifest)) as Manifest;
    const skip = { path: `${packages}/p0`, reason: 'of-the-future' };
    const extended = later({
      ...written,
      interpreters: written.interpreters.map(later),
      linkGroups: written.linkGroups.map(later),
      singlePycs: written.singlePycs.map(later),
      skipped: [later(skip)],
      totals: later(written.totals),
    });
    writeFileSync(manifest, JSON.stringify(extended));
    await verify(buildroot);
    expect(await pyclink(['relink', '--buildroot', buildroot, '--manifest', manifest])).toMatchObject(done);
    const restamp = ['restamp', '--buildroot', buildroot, '--mtime', '5', '--manifest', manifest];
    expect(await pyclink(restamp)).toMatchObject(done);
    const restamped = JSON.parse(read(manifest));
    const withoutDigests = (text: object) => JSON.parse(JSON.stringify(text).replace(/"sha256":"\w+"/g, '"sha256":""'));
    expect(restamped).not.toEqual(extended);
    expect(withoutDigests(restamped)).toEqual(withoutDigests(extended));

    await build(buildroot, '--append', '/opt');
    const appended = JSON.parse(read(manifest));
    expect(appended.later).toEqual(extended.later);
    expect(appended.interpreters).toEqual(extended.interpreters);
    expect(appended.skipped).toEqual(extended.skipped);
    expect(appended.totals).toEqual({ ...written.totals, ...appended.totals });
    expect(appended.totals.pycs).toBe(written.totals.pycs + 3);
    const isOld = ({ source }: { source: string }) => source.startsWith(packages);
    expect(appended.linkGroups.filter(isOld)).toEqual(restamped.linkGroups);
    expect(appended.linkGroups.filter((record: { source: string }) => !isOld(record))).toEqual([
      expect.not.objectContaining({ later: expect.anything() }),
    ]);
    await verify(buildroot);
  });

  it('is dropped with a warning if nothing of it is in the buildroot', async () => {
    const [buildroot, other] = [plantBuildroot(sources), plantBuildroot({ [`${packages}/z.py`]: 'x = 1\n' })];
    const { manifest } = outputsOf(buildroot);
    await build(buildroot, '/');
    const ran = await pyclink(['build', '--buildroot', other, '-q', '--append', '--manifest', manifest]);
    expect(ran).toEqual({
      status: 0,
      stdout: '',
      stderr: `pyclink: warning: ${manifest}: 150 pycs of earlier runs dropped: none of them is in this buildroot\n`,
    });
    // Another run over the same tree drops nothing, though it records everything anew.
    expect(await pyclink(['build', '--buildroot', other, '-q', '--append', '--manifest', manifest])).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  it('of another schema is refused', async () => {
    const buildroot = plantBuildroot(sources);
    plant(join(buildroot, '..'), { 'm.json': '{"schemaVersion": 2}' });
    const ran = await pyclink([
      'build',
      '--buildroot',
      buildroot,
      '--append',
      '--manifest',
      join(buildroot, '../m.json'),
    ]);
    expect(ran).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('schemaVersion: Invalid input: expected 1'),
    });
  });
});
