import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { expect, test } from 'vitest';
import { contentsOf, plant } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import {
  expectHealthy,
  healthySource,
  healthyText,
  library,
  plantBesideHealthy,
  pycsOf,
  quietBuild,
} from './helpers/healthy.ts';

test('a file called __pycache__ is reported in the same words each time', async () => {
  const bad = `${library}/bad`;
  const buildroot = plantBesideHealthy({ [`${bad}/m.py`]: healthyText, [`${bad}/__pycache__`]: 'not a directory' });
  const manifests = [];
  for (const name of ['one.json', 'two.json']) {
    const manifest = join(buildroot, '..', name);
    const ran = await pyclink(quietBuild(buildroot, '--manifest', manifest));
    expect(ran.status).toBe(1);
    expect(ran.stderr).toBe(`pyclink: error: ${bad}/m.py: its pycs cannot be written\n    ENOTDIR: not a directory\n`);
    manifests.push(readFileSync(manifest, 'utf8'));
  }
  expect(manifests[1]).toBe(manifests[0]);
  await expectHealthy(buildroot);
});

test('--keep-current does not block on a fifo with the name of a pyc', async () => {
  const bad = `${library}/bad.py`;
  const buildroot = plantBesideHealthy({ [`${library}/__pycache__`]: { directory: true }, [bad]: healthyText });
  const [fifo = ''] = pycsOf(bad);
  execaSync('mkfifo', [join(buildroot, fifo)]);
  const ran = await pyclink(quietBuild(buildroot, '--keep-current'));
  expect(ran.status).toBe(1);
  expect(ran.stderr).toContain(`pyclink: error: ${fifo}: pyc not written: its path exists and is not a regular file\n`);
  expect(contentsOf(buildroot)[fifo.slice(1)]).toMatch(/^other /);
  await expectHealthy(buildroot);
});

test.each([60, 16, 5])('--keep-current does not keep a pyc that was truncated to %i bytes', async (size) => {
  const buildroot = plantBesideHealthy({});
  const manifest = join(buildroot, '../m.json');
  const verify = () => pyclink(['verify', '--manifest', manifest, buildroot]);
  expect((await pyclink(quietBuild(buildroot, '--manifest', manifest))).status).toBe(0);
  const cut = pycsOf(healthySource)[2] ?? '';
  truncateSync(join(buildroot, cut), size);
  const found = await verify();
  expect(found.status).toBe(1);
  expect(found.stdout).toContain(`damaged: ${cut}: `);
  expect(await pyclink(quietBuild(buildroot, '--keep-current', '--manifest', manifest))).toMatchObject({ status: 0 });
  await expectHealthy(buildroot);
  expect(await verify()).toMatchObject({ status: 0 });
});

test('a PATH that is a symlink to a directory outside is refused', async () => {
  const buildroot = plantBesideHealthy({});
  plant(join(buildroot, '..'), { 'outside/m.py': healthyText });
  plant(buildroot, { [`${library}/way`]: { symlink: join(buildroot, '../outside') } });
  const before = contentsOf(join(buildroot, '..'));
  const ran = await pyclink(quietBuild(buildroot, `${library}/way`));
  expect(ran.status).toBe(2);
  expect(ran.stderr).toContain(`pyclink: error: ${library}/way: points outside the buildroot\n`);
  expect(contentsOf(join(buildroot, '..'))).toEqual(before);
});
