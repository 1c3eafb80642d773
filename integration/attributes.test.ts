/** ACLs and extended attributes: what is replaced keeps them, and what differs in them is not linked. */
import { execFileSync } from 'node:child_process';
import { linkSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { linkGroupsIn, type Planted, plant, plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { healthySource, healthyText, library, pycsOf, quietBuild } from './helpers/healthy.ts';
import { describeWith, missingRoot, missingTools } from './helpers/tools.ts';

const [zero, one, two] = pycsOf(healthySource) as [string, string, string];
const source = { content: healthyText, mtime: 1_600_000_000 };
/** Another user may read it, its own group not: the bits of the group are only the mask. */
const narrow = ['-m', 'u:12:r,g::-,m::r,o::-'];

const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' });
const acl = (path: string) => run('getfacl', '-cpnE', path).trim();

describeWith([...missingRoot(), ...missingTools('setfacl', 'getfacl', 'setfattr')], 'ACLs and attributes', () => {
  it.each<[string, readonly string[]]>([
    ['link', []],
    ['link', ['--normalize']],
  ])('%s %j links pycs with equal attributes only', async (command, more) => {
    const tree = await compiled();
    linkSync(join(tree, zero), join(tree, 'kept'));
    for (const path of [one, two]) writeFileSync(join(tree, path), readFileSync(join(tree, zero)));
    rmSync(join(tree, 'kept'));
    for (const path of [zero, one]) run('setfacl', ...narrow, join(tree, path));
    const before = [zero, one, two].map((path) => acl(join(tree, path)));
    run('chmod', '640', join(tree, two));
    const dry = await pyclink([command, '--buildroot', tree, '--dry-run', ...more]);
    const ran = await pyclink([command, '--buildroot', tree, ...more]);
    expect(dry).toMatchObject({ status: 0, stdout: expect.stringContaining('1 link to make'), stderr: ran.stderr });
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('1 link made') });
    expect(ran.stderr).toContain('not linked: the identical pycs differ in ACLs or extended attributes');
    expect(linkGroupsIn(tree)).toEqual([[one.slice(1), zero.slice(1)].sort(), [two.slice(1)]].sort());
    expect([zero, one].map((path) => acl(join(tree, path)))).toEqual(before.slice(0, 2));
    expect(acl(join(tree, two))).toBe('user::rw-\ngroup::r--\nother::---');
  });

  it('equal SELinux labels do not prevent links', async () => {
    const tree = await compiled();
    for (const [path, type] of [
      [zero, 'lib_t'],
      [one, 'lib_t'],
      [two, 'etc_t'],
    ] as const) {
      writeFileSync(join(tree, path), 'same');
      run('setfattr', '-n', 'security.selinux', '-v', `system_u:object_r:${type}:s0`, join(tree, path));
    }
    expect((await pyclink(['link', '--buildroot', tree])).stdout).toContain('1 link made');
    expect(linkGroupsIn(tree)).toHaveLength(2);
  });

  it('link does not change pycs whose attributes cannot be read, and reports them', async () => {
    const tree = await compiled();
    for (const path of [zero, one, two]) writeFileSync(join(tree, path), 'same');
    // mkfifo is not found.
    const ran = await pyclink(['link', '--buildroot', tree], { env: { PATH: '/nonexistent' } });
    expect(ran).toMatchObject({ status: 1, stdout: expect.stringContaining('0 links made') });
    expect(ran.stderr).toContain('not linked: their ACLs or extended attributes cannot be read: mkfifo failed');
    expect(linkGroupsIn(tree)).toHaveLength(3);
  });

  it('relink does not link pycs with a different ACL', async () => {
    const { tree, manifest } = await built();
    const [first, second] = [zero, one].map((path) => join(tree, path)) as [string, string];
    rmSync(second);
    run('cp', '-p', first, second);
    run('setfacl', '-m', 'u:12:r', second);
    const before = acl(second);
    for (const more of [['--dry-run'], []]) {
      expect(await pyclink(['relink', '--manifest', manifest, '--buildroot', tree, ...more])).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('differ in ACLs'),
      });
    }
    expect([lstatSync(first).nlink, acl(second)]).toEqual([1, before]);
  });

  it('build --keep-current does not link pycs with different attributes', async () => {
    const { tree, manifest } = await built();
    const [first, second] = [zero, one].map((path) => join(tree, path)) as [string, string];
    rmSync(second);
    run('cp', '-p', first, second);
    run('setfacl', '-m', 'u:12:r', second);
    const before = acl(second);
    const ran = await pyclink(['build', '--buildroot', tree, '--keep-current', '--manifest', manifest]);
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('1 source had current bytecode') });
    expect(ran.stderr + ran.stdout).toContain('differ in ACLs');
    expect([lstatSync(first).nlink, acl(second)]).toEqual([1, before]);
  });

  it('restamp keeps attributes', async () => {
    const { tree } = await built();
    run('setfacl', ...narrow, join(tree, zero));
    run('setfattr', '-n', 'user.mark', '-v', 'x', join(tree, two));
    const before = acl(join(tree, zero));
    expect((await pyclink(['restamp', '--mtime', '5', '--buildroot', tree])).status).toBe(0);
    expect(readFileSync(join(tree, one)).readUInt32LE(8)).toBe(5);
    expect([acl(join(tree, zero)), acl(join(tree, one))]).toEqual([before, before]);
    expect(run('getfattr', '--absolute-names', '--only-values', '-n', 'user.mark', join(tree, two))).toBe('x');
  });

  it('a source that becomes a separate file keeps attributes', async () => {
    const { tree } = await built();
    const staged = join(tree, healthySource);
    run('setfacl', ...narrow, staged);
    linkSync(staged, join(tree, '../outside'));
    const before = acl(staged);
    const ran = await pyclink(quietBuild(tree), { env: { SOURCE_DATE_EPOCH: '1000' } });
    expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
    expect([lstatSync(staged).mtimeMs, lstatSync(staged).nlink, acl(staged)]).toEqual([1_000_000, 1, before]);
  });

  it('build over pycs sets the same as compileall: the bits of the source and the ACL of the directory', async () => {
    const { tree } = await built();
    writeFileSync(join(tree, healthySource), 'changed = 1\n');
    run('chmod', '640', join(tree, healthySource));
    const theirs = plantBuildroot({ [healthySource]: source });
    run('cp', '-a', `${tree}/.`, theirs);
    for (const root of [tree, theirs]) {
      run('setfacl', '-m', 'u:12:rw', join(root, zero));
      run('setfacl', '-d', '-m', 'u:13:rw', dirname(join(root, zero)));
    }
    run(systemPython.executable, '-m', 'compileall', '-q', '-f', join(theirs, healthySource));
    expect((await pyclink(quietBuild(tree))).status).toBe(0);
    expect(acl(join(tree, zero))).toBe(acl(join(theirs, zero)));
    expect(acl(join(tree, zero))).toContain('user:13:rw-');
    expect(acl(join(tree, zero))).not.toContain('user:12');
  });
});

/** A tree with the healthy source and pycs that are not linked. */
async function compiled(more: Readonly<Record<string, Planted>> = {}): Promise<string> {
  const tree = plantBuildroot({ [healthySource]: source, ...more });
  expect((await pyclink(quietBuild(tree, '--no-link'))).status).toBe(0);
  plant(tree, { [`${library}/kernel/empty`]: '' });
  return tree;
}

async function built() {
  const tree = plantBuildroot({ [healthySource]: source });
  const manifest = join(tree, '../manifest.json');
  expect((await pyclink(quietBuild(tree, '--manifest', manifest))).status).toBe(0);
  return { tree, manifest };
}
