/** Files and paths that are larger than pyclink, Node.js or the system can take: each costs itself. */
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { expectHealthy, healthyText, library, plantBesideHealthy, pycsOf, quietBuild } from './helpers/healthy.ts';

const bad = `${library}/bad/m.py`;
const [level0 = '', level1 = ''] = pycsOf(bad);

/** A built tree in which two pycs of a source have 2 GiB. They take no room on the disk. */
async function withHugePycs() {
  const buildroot = plantBesideHealthy({ [bad]: healthyText });
  const manifest = join(temporaryDirectory(), 'manifest.json');
  expect((await pyclink(quietBuild(buildroot, '--manifest', manifest))).status).toBe(0);
  for (const path of [level0, level1]) {
    rmSync(join(buildroot, path));
    writeFileSync(join(buildroot, path), '');
    truncateSync(join(buildroot, path), 2 ** 31);
  }
  return { buildroot, manifest };
}

test('link, relink and restamp skip pycs of 2 GiB, and do the rest', async () => {
  const { buildroot, manifest } = await withHugePycs();
  const place = ['-q', '--buildroot', buildroot];
  for (const [command, reason] of [
    [['link', ...place], 'not linked: the system refused (EFBIG)'],
    [['link', '--normalize', ...place], 'not linked: the system refused (EFBIG)'],
    [['relink', '--manifest', manifest, ...place], 'not relinked: cannot be read (EFBIG)'],
    [['restamp', '--mtime', '1600000000', ...place], 'left unchanged, with its source: it cannot be read (EFBIG)'],
  ] as const) {
    const ran = await pyclink(command);
    expect(ran.stderr).toContain(`pyclink: error: ${level0}: ${reason}\n`);
    expect(ran.status).toBe(1);
    await expectHealthy(buildroot);
  }
});

test('verify and audit report pycs of 2 GiB, and read the rest', async () => {
  const { buildroot, manifest } = await withHugePycs();
  for (const command of [
    ['verify', '--manifest', manifest, buildroot],
    ['audit', '-v', buildroot],
  ]) {
    const ran = await pyclink(command);
    expect(ran.stdout).toMatch(new RegExp(`${basename(level0)}: .*too large`));
    expect(ran.stdout).not.toContain('healthy');
    expect(ran.status).toBe(1);
  }
});

test.each([[[]], [['--keep-current']]])('a build replaces pycs of 2 GiB (%j)', async (flags) => {
  const { buildroot, manifest } = await withHugePycs();
  expect(await pyclink(quietBuild(buildroot, ...flags))).toEqual({ status: 0, stdout: '', stderr: '' });
  expect((await pyclink(['verify', '-q', '--manifest', manifest, buildroot])).status).toBe(0);
});

test('every command reports a directory whose path is too long for the names in it, and does the rest', async () => {
  const buildroot = plantBesideHealthy({});
  const manifest = join(temporaryDirectory(), 'manifest.json');
  const top = join(buildroot, library, 'deep');
  // The source's path is one that the system takes, its pycs' are not.
  const directory = withLength(top, 4070);
  await execa('mkdir', ['-p', directory]);
  writeFileSync(join(directory, 'm.py'), healthyText);
  mkdirSync(join(directory, '__pycache__'));
  try {
    const build = await pyclink(quietBuild(buildroot, '--manifest', manifest));
    expect(build.stderr).toMatch(/dd\/m\.py: its pycs cannot be written\n {4}ENAMETOOLONG: name too long\n$/);
    expect(build.status).toBe(1);
    await expectHealthy(buildroot);
    for (const [command = '', ...flags] of [
      ['link'],
      ['relink', '--manifest', manifest],
      ['restamp', '--mtime', '9'],
    ]) {
      const ran = await pyclink([command, '-q', ...flags, '--buildroot', buildroot]);
      expect([command, ran.status, ran.stderr]).toEqual([command, 0, '']);
    }
    // The directory has no pycs: no name would be short enough.
    const { stdout, status } = await pyclink(['audit', '--ignore', 'no-bytecode', buildroot]);
    expect([status, stdout]).toEqual([0, expect.stringContaining('pyclink: nothing wrong\n')]);
  } finally {
    await execa('rm', ['-rf', top]);
  }
});

/** A path below a directory of this length. */
function withLength(top: string, length: number): string {
  let path = top;
  while (path.length < length) path += `/${'d'.repeat(Math.max(1, Math.min(250, length - path.length - 1)))}`;
  return path;
}
