/** Makes the one executable, and runs it where there is no Node.js. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentsOf, linkGroupsIn, plant, plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { type Chroot, chrootTools, makeChroot } from './helpers/chroot.ts';
import { library } from './helpers/healthy.ts';
import { describeInWorld, inWorld } from './helpers/in-world.ts';
import { describeWith } from './helpers/tools.ts';

const checkout = join(import.meta.dirname, '..');

describe('the one executable', () => {
  let directory: string;
  let executable: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'pyclink-sea-test-'));
    executable = join(directory, 'pyclink');
    await execa('tsx', ['integration/sea.ts', executable], { cwd: checkout, preferLocal: true });
  }, 120_000);

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('prints its version, and explains a wrong call, like the bundle', async () => {
    for (const args of [['--version'], ['build', '--help'], ['build', '--buildroot', '/'], ['verify']]) {
      const { exitCode, stdout, stderr } = await execa(executable, args, { reject: false, stripFinalNewline: false });
      expect({ status: exitCode, stdout, stderr }).toEqual(await pyclink(args));
    }
  });

  it.each(['-j1', '-j8'])('gives the same result as the bundle (%s)', async (jobs) => {
    const [own, other] = [plantBuildroot({}), plantBuildroot({})];
    for (const buildroot of [own, other]) {
      plant(buildroot, { [`${library}/kernel/odd.py`]: 'def' });
      await execa('cp', [
        '-rp',
        `${systemPython.library}/json`,
        `${systemPython.library}/email`,
        join(buildroot, library),
      ]);
      await execa('find', [buildroot, '-name', '__pycache__', '-exec', 'rm', '-r', '{}', '+']);
    }
    const args = (buildroot: string) => ['build', '-q', jobs, '--buildroot', buildroot];
    const ran = await execa(executable, args(own), { reject: false });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain('odd.py: does not compile');
    await pyclink(args(other));
    expect(contentsOf(own)).toEqual(contentsOf(other));
    expect(linkGroupsIn(own)).toEqual(linkGroupsIn(other));
  });

  it('contains the Redis client', async () => {
    const buildroot = plantBuildroot(
      Object.fromEntries('abcde'.split('').map((name) => [`${library}/${name}.py`, ''])),
    );
    const env = { PYCLINK_CACHE_REMOTE: 'redis://127.0.0.1:1', PYCLINK_CACHE_DIR: join(directory, 'cache') };
    const { exitCode, stderr } = await execa(executable, ['build', '-q', '--buildroot', buildroot], { env });
    expect(exitCode).toBe(0);
    expect(stderr).toContain('redis://127.0.0.1:1: disabled for this build');
  });

  describeWith(chrootTools, 'in Debian 12 without Node.js', () => {
    it('compiles everything that its interpreters load', async () => {
      const chroot = await makeChroot('bookworm');
      try {
        await chroot.install('python3');
        await expectCompiled(chroot);
      } finally {
        chroot.remove();
      }
    }, 200_000);
  });

  describeInWorld('sid', 'in sid without Node.js', () => {
    it('compiles everything that its interpreters load', async () => {
      const world = await inWorld('sid');
      try {
        await world.inside('rm', '/usr/bin/node');
        await expectCompiled(world);
      } finally {
        world.remove();
      }
    }, 200_000);
  });

  async function expectCompiled({ attempt, carry, inside }: Pick<Chroot, 'attempt' | 'carry' | 'inside'>) {
    expect((await attempt('sh', '-c', 'command -v node')).exitCode).not.toBe(0);
    const [program = ''] = carry([executable]);
    const { stdout } = await inside(program, 'build', '--in-place');
    expect(stdout).toMatch(/^pyclink: \d{3,} sources, \d{3,} pycs, \d{3,} links in/m);
    const imported = await inside('python3', '-OO', '-v', '-c', 'import asyncio, email.mime.text');
    expect(imported.stderr).not.toMatch(/wrote|could not create|code object from '?\/(?!.*\.pyc)/);
  }
});
