import { linkSync, lstatSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { contentsOf, plant } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { type Canary, plantCanary } from './helpers/canary.ts';
import {
  addedBy,
  changesSince,
  expectCompiled,
  expectHealthy,
  healthyAdds,
  healthyText,
  library,
  plantBesideHealthy,
  pycsOf,
  quietBuild,
  readPycs,
} from './helpers/healthy.ts';

const nothing = { changed: [], gone: [] };

test.each([
  ['a dangling symlink', 'nowhere.py'],
  ['a symlink to itself', 'link.py'],
])('%s', async (_, target) => {
  const link = `${library}/link.py`;
  const buildroot = plantBesideHealthy({ [link]: { symlink: target } });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot));
  expect(ran).toEqual({ status: 0, stdout: '', stderr: `pyclink: warning: ${link}: a dangling symlink\n` });
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, ...nothing });
  await expectHealthy(buildroot);
});

test('a symlink to a directory that is called x.py', async () => {
  const link = `${library}/link.py`;
  const buildroot = plantBesideHealthy({ [link]: { symlink: 'void' }, [`${library}/void`]: { directory: true } });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot));
  expect(ran).toEqual({ status: 0, stdout: '', stderr: `pyclink: warning: ${link}: not a regular file\n` });
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, ...nothing });
  await expectHealthy(buildroot);
});

test.each<[string, (canary: Canary, from: string) => string]>([
  ['absolute', ({ file }) => file],
  ['relative', ({ file }, from) => relative(from, file)],
])('a source that is a symlink out of the buildroot, %s', async (_, target) => {
  const canary = plantCanary(healthyText);
  const link = `${library}/link.py`;
  const buildroot = plantBesideHealthy({});
  symlinkSync(target(canary, join(buildroot, library)), join(buildroot, link));
  const [before, outside] = [contentsOf(buildroot), canary.state()];
  // A date before the canary's, so that following the symlink would show in its mtime.
  const ran = await pyclink(quietBuild(buildroot), { env: { SOURCE_DATE_EPOCH: '1500000000' } });
  expect(ran.stderr).toBe(`pyclink: warning: ${link}: a symlink that points outside the buildroot\n`);
  expect(ran.stdout).toBe('');
  expect(ran.status).toBe(0);
  expect(canary.state()).toEqual(outside);
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, ...nothing });
  await expectHealthy(buildroot);
});

test('a __pycache__ that is a symlink out of the buildroot', async () => {
  const canary = plantCanary(healthyText);
  const source = `${library}/package/m.py`;
  const buildroot = plantBesideHealthy({ [source]: healthyText });
  symlinkSync(canary.directory, join(buildroot, library, 'package/__pycache__'));
  const [before, outside] = [contentsOf(buildroot), canary.state()];
  const ran = await pyclink(quietBuild(buildroot));
  expect(ran.stderr).toMatch(
    new RegExp(`^pyclink: (warning|error): ${source}: not compiled: its __pycache__ is a symlink\n$`),
  );
  expect(canary.state()).toEqual(outside);
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, ...nothing });
  await expectHealthy(buildroot);
});

test('a directory that is a symlink out of the buildroot is not entered', async () => {
  const canary = plantCanary(healthyText);
  const buildroot = plantBesideHealthy({});
  symlinkSync(canary.directory, join(buildroot, library, 'package'));
  const [before, outside] = [contentsOf(buildroot), canary.state()];
  const ran = await pyclink(quietBuild(buildroot), { env: { SOURCE_DATE_EPOCH: '1500000000' } });
  // Whatever is said is about the symlink, and no source is lost over it.
  const others = ran.stderr.split('\n').filter((line) => line !== '' && !line.includes(`${library}/package: `));
  expect(others).toEqual([]);
  expect(ran.status).toBe(0);
  expect(canary.state()).toEqual(outside);
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, ...nothing });
  await expectHealthy(buildroot);
});

test('a PATH below a directory that is a symlink out of the buildroot', async () => {
  const canary = plantCanary(healthyText);
  const buildroot = plantBesideHealthy({});
  symlinkSync(canary.directory, join(buildroot, library, 'package'));
  const [before, outside] = [contentsOf(buildroot), canary.state()];
  const ran = await pyclink(quietBuild(buildroot, library, `${library}/package/m.py`));
  expect(ran).toEqual({
    status: 2,
    stdout: '',
    stderr:
      `pyclink: error: ${library}/package/m.py: points outside the buildroot\n` +
      `    hint: a PATH is as installed (/usr/lib/…), or starts with the buildroot ${buildroot}\n`,
  });
  expect(canary.state()).toEqual(outside);
  expect(changesSince(before, buildroot)).toEqual({ added: [], ...nothing });
  expect((await pyclink(quietBuild(buildroot, library))).status).toBe(0);
  await expectHealthy(buildroot);
});

test.each<[string, (canary: Canary) => string]>([
  ['out of the buildroot', ({ file }) => file],
  ['to nothing', () => 'nowhere'],
  ['to its source', () => '../taken.py'],
])('a pyc path that is a symlink %s is replaced, by the compiler and from a cache', async (_, target) => {
  for (const isCached of [false, true]) await expectReplaced(target, isCached);
});

async function expectReplaced(target: (canary: Canary) => string, isCached: boolean): Promise<void> {
  const canary = plantCanary(healthyText);
  const source = `${library}/taken.py`;
  const [level0 = '', level1 = '', level2 = ''] = pycsOf(source).map((path) => path.slice(1));
  const buildroot = plantBesideHealthy({ [source]: healthyText, [`/${level2}`]: { symlink: target(canary) } });
  const [before, outside] = [contentsOf(buildroot), canary.state()];
  const flags = isCached ? ['--cache-dir', join(buildroot, '../cache')] : [];
  if (isCached) await pyclink(quietBuild(plantBesideHealthy({ [source]: healthyText }), ...flags));
  const ran = await pyclink(quietBuild(buildroot, ...flags));
  expect(ran).toMatchObject({ status: 0, stderr: '' });
  expect(canary.state()).toEqual(outside);
  const added = [...healthyAdds, level0, level1].sort();
  expect(changesSince(before, buildroot)).toEqual({ ...nothing, added, changed: [level2] });
  await expectCompiled(buildroot, source);
  await expectHealthy(buildroot);
}

test('an absolute symlink that is valid once installed: its own name is recorded, with the mtime of its target', async () => {
  const [target, link] = [`${library}/a.py`, `${library}/b.py`];
  const buildroot = plantBesideHealthy({
    [target]: { content: healthyText, mtime: 1_600_000_001 },
    [link]: { symlink: target },
  });
  const before = contentsOf(buildroot);
  expect(await pyclink(quietBuild(buildroot))).toEqual({ status: 0, stdout: '', stderr: '' });
  const added = [...new Set([...healthyAdds, ...addedBy(target, link)])].sort();
  expect(changesSince(before, buildroot)).toEqual({ added, ...nothing });
  const pyc = {
    magic: true,
    flags: 0,
    mtimeSeconds: 1_600_000_001,
    sizeBytes: healthyText.length,
    fileNames: [link],
    answer: 42,
  };
  expect(await readPycs(buildroot, link)).toEqual([pyc, pyc, pyc]);
  await expectCompiled(buildroot, target);
  await expectHealthy(buildroot);
});

test('a source that is hard-linked to a file outside: clamping its mtime separates them', async () => {
  const canary = plantCanary(healthyText);
  const [first, second] = [`${library}/first.py`, `${library}/second.py`];
  const buildroot = plantBesideHealthy({});
  linkSync(canary.file, join(buildroot, first));
  plant(buildroot, { [second]: { hardLink: first } });
  const [before, outside] = [contentsOf(buildroot), canary.state()];
  const ran = await pyclink(quietBuild(buildroot), { env: { SOURCE_DATE_EPOCH: '1500000000' } });
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(canary.state()).toEqual(outside);
  const [one, other] = [first, second].map((path) => lstatSync(join(buildroot, path)));
  expect(one?.ino).not.toBe(lstatSync(canary.file).ino);
  // The two names inside stay one file.
  expect(other?.ino).toBe(one?.ino);
  expect([one?.nlink, lstatSync(canary.file).nlink]).toEqual([2, 1]);
  expect(one?.mtimeMs).toBe(1_500_000_000_000);
  expect(readFileSync(join(buildroot, first), 'utf8')).toBe(healthyText);
  const added = [...new Set([...healthyAdds, ...addedBy(first, second)])].sort();
  expect(changesSince(before, buildroot)).toEqual({ added, ...nothing });
  for (const source of [first, second]) await expectCompiled(buildroot, source);
  await expectHealthy(buildroot);
});
