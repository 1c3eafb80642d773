/** What a build may not write or remove: the manifest and verify tell what is there, and a dry run says it before. */
import { execFileSync } from 'node:child_process';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { contentsOf, everythingIn, plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink, type Ran } from '../test/helpers/pyclink.ts';
import { library, pycsOf } from './helpers/healthy.ts';
import { describeWhere, lackingAbilities, missingRoot } from './helpers/tools.ts';

const sources = ['a', 'b', 'c'].map((name) => `${library}/pack/${name}.py`);
const [source = ''] = sources;
const cache = `${library}/pack/__pycache__`;
const mtime = 1_600_000_000;

/** A tree whose sources were built. */
async function built(...args: string[]) {
  const buildroot = plantBuildroot(Object.fromEntries(sources.map((path) => [path, { content: 'x = 1\n', mtime }])));
  const tree = {
    buildroot,
    build: (...more: string[]) => pyclink(['build', '--buildroot', buildroot, ...more]),
    manifest: join(buildroot, '../m.json'),
  };
  expect(await tree.build(...args)).toMatchObject({ status: 0 });
  return tree;
}

function immutable(path: string): void {
  execFileSync('chattr', ['+i', path]);
  onTestFinished(() => void execFileSync('chattr', ['-i', path]));
}

function readOnly(path: string): void {
  execFileSync('mount', ['--bind', path, path]);
  onTestFinished(() => void execFileSync('umount', [path]));
  execFileSync('mount', ['-o', 'remount,ro,bind', path]);
}

/** The problems and skipped files of a report. */
const skippedIn = ({ stdout }: Ran, reason: string) =>
  (JSON.parse(stdout) as { skipped: { path: string; reason: string }[] }).skipped.filter(
    (entry) => entry.reason === reason,
  );

describeWhere([...missingRoot(), ...lackingAbilities('immutable files', 'mounts')], 'what nobody may write', () => {
  it.each<[what: string, before: string[], now: string[], groups: string[][]]>([
    ['another level', ['-o', '0'], ['-o', '0,1'], sources.map((one) => pycsOf(one).slice(0, 1))],
    [
      'another level, with a cache',
      ['-o', '0'],
      ['-o', '0,1', '--cache-dir', 'CACHE'],
      sources.map((one) => pycsOf(one).slice(0, 1)),
    ],
    ['more links', ['-o', '0,1'], [], sources.map((one) => pycsOf(one).slice(0, 2).sort())],
    ['separate files', [], ['--no-link'], sources.map((one) => pycsOf(one).sort())],
  ])('is in the manifest if it is what the build makes: %s', async (_, before, now, groups) => {
    const { buildroot, build, manifest } = await built(...before);
    const args = now.map((word) => word.replace('CACHE', join(buildroot, '../cache')));
    immutable(join(buildroot, cache));
    for (const _run of ['compiled', 'maybe from the cache']) {
      const ran = await build('--manifest', manifest, ...args);
      expect(ran).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('the pycs of 3 sources cannot be written'),
      });
      const { linkGroups, singlePycs } = JSON.parse(readFileSync(manifest, 'utf8'));
      expect([...linkGroups, ...singlePycs].map(({ paths }: { paths: string[] }) => paths)).toEqual(groups);
    }
    expect(await pyclink(['verify', '--manifest', manifest, buildroot])).toMatchObject({ status: 0 });
  });

  it.each([
    ['timestamp', 'stale', 'it records 6 bytes, the source has 12'],
    ['checked-hash', 'stale', 'the hash of the source does not match'],
    // Python loads these.
    ['unchecked-hash', 'unrecorded', 'not in the manifest: this build did not make it'],
  ])(
    'is not in the manifest if its source changed, and verify tells whether Python loads it: %s',
    async (mode, kind, detail) => {
      const { buildroot, build, manifest } = await built('--invalidation-mode', mode);
      writeFileSync(join(buildroot, source), 'x = 1\ny = 2\n');
      utimesSync(join(buildroot, source), mtime, mtime);
      immutable(join(buildroot, cache));
      const ran = await build('--invalidation-mode', mode, '--manifest', manifest, '--json');
      expect(ran).toMatchObject({ status: 1 });
      expect(skippedIn(ran, 'not-written')).toMatchObject([
        { path: source, message: 'EPERM: operation not permitted' },
      ]);
      const { status, stdout } = await pyclink(['verify', '--manifest', manifest, '--json', buildroot]);
      expect(status).toBe(1);
      expect(JSON.parse(stdout).findings).toEqual(
        pycsOf(source)
          .sort()
          .map((path) => ({ kind, path, container: buildroot, detail })),
      );
    },
  );

  it.each<[what: string, hinder: (buildroot: string) => void, left: string[], said: string]>([
    [
      'a directory that is immutable',
      (buildroot) => immutable(join(buildroot, cache)),
      sources,
      `${cache}: 6 old pycs cannot be removed\n    EPERM: operation not permitted\n`,
    ],
    [
      'a read-only file system',
      readOnly,
      sources,
      `${cache}: 6 old pycs cannot be removed\n    EROFS: read-only file system\n`,
    ],
    [
      'an immutable file',
      (buildroot) => immutable(join(buildroot, pycsOf(source)[1] ?? '')),
      sources.slice(0, 1),
      `${cache}: 2 old pycs cannot be removed\n    EPERM: operation not permitted\n`,
    ],
  ])('is named in one line by --prune and its dry run: %s', async (_, hinder, left, said) => {
    const { buildroot, build } = await built();
    hinder(buildroot);
    const before = contentsOf(buildroot);
    const skipped: object[] = [];
    for (const how of [['--dry-run'], []]) {
      const ran = await build('--prune', '-o', '0', '--json', ...how);
      expect(ran.status).toBe(1);
      expect(ran.stderr.match(/.*cannot be removed\n.*\n/g)).toEqual([`pyclink: error: ${said}`]);
      skipped.push(skippedIn(ran, 'pyc-not-removed'));
      if (how.length > 0) expect(contentsOf(buildroot)).toEqual(before);
    }
    expect(skipped[1]).toEqual(skipped[0]);
    const leftPycs = left.flatMap((one) => pycsOf(one).slice(1)).map((path) => path.slice(1));
    expect(everythingIn(buildroot).filter((path) => path.includes('.opt-'))).toEqual(leftPycs.sort());
  });
});
