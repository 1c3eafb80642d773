import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import {
  contentsOf,
  everythingIn,
  linkGroupsIn,
  plant,
  plantBuildroot,
  temporaryDirectory,
} from '../test/helpers/buildroot.ts';
import { leftoverOf } from '../test/helpers/leftovers.ts';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';
import { library, pycsOf, quietBuild } from './helpers/healthy.ts';
import { until, workersOf } from './helpers/processes.ts';

/** Sources enough for a second or two, the largest first. */
function plantMany(): string {
  const text = (i: number) => `x = ${i}\n${'def f():\n    """Text."""\n    assert x\n\n\n'.repeat(200 - i)}`;
  return plantBuildroot(
    Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`${library}/m${i}.py`, { content: text(i), mtime: 1_600_000_000 }]),
    ),
  );
}

it.each(['SIGINT', 'SIGTERM'] as const)('%s ends a build, and the next one gives the usual result', async (signal) => {
  const [buildroot, undisturbed] = [plantMany(), plantMany()];
  const running = execa(process.execPath, [bundle, ...quietBuild(buildroot)], { reject: false });
  await until('pycs', () => existsSync(join(buildroot, pycsOf(`${library}/m5.py`)[0] as string)) || undefined);
  const workers = workersOf(buildroot);
  expect(workers.length).toBeGreaterThan(0);
  running.kill(signal);
  expect((await running).signal).toBe(signal);
  await until('the end of the workers', () => workers.every((pid) => !existsSync(`/proc/${pid}`)) || undefined);
  expect(everythingIn(buildroot).filter((path) => path.includes('.pyclink-'))).toEqual([]);
  expect(existsSync(join(buildroot, pycsOf(`${library}/m199.py`)[0] as string))).toBe(false);

  for (const tree of [buildroot, undisturbed]) expect((await pyclink(quietBuild(tree))).status).toBe(0);
  expect(contentsOf(buildroot)).toEqual(contentsOf(undisturbed));
  expect(linkGroupsIn(buildroot)).toEqual(linkGroupsIn(undisturbed));
});

const ended = execa('true');
const leftover = () => leftoverOf(ended.pid);

it('leftovers of a killed run are removed, also next to sources and outputs, even if nothing is written', async () => {
  const outputs = temporaryDirectory();
  const buildroot = plantBuildroot({ [`${library}/m.py`]: 'x = 1\n' });
  const call = quietBuild(buildroot, '--keep-current', '--manifest', join(outputs, 'manifest.json'));
  expect((await pyclink(call)).status).toBe(0);
  const before = [everythingIn(buildroot), everythingIn(outputs)];
  await ended;
  plant(buildroot, { [`${library}/${leftover()}`]: 'half', [`${library}/__pycache__/${leftover()}`]: 'half' });
  plant(outputs, { [leftover()]: 'half' });
  expect((await pyclink(call)).status).toBe(0);
  expect([everythingIn(buildroot), everythingIn(outputs)]).toEqual(before);
});

it.each(['link', 'relink'] as const)('leftovers of a killed run are removed by the next %s', async (command) => {
  const manifest = join(temporaryDirectory(), 'manifest.json');
  const buildroot = plantBuildroot({ [`${library}/m.py`]: 'x = 1\n' });
  expect((await pyclink(quietBuild(buildroot, '--manifest', manifest))).status).toBe(0);
  const before = everythingIn(buildroot);
  await ended;
  plant(buildroot, { [`${library}/__pycache__/${leftover()}`]: 'half' });
  const call = [command, '--buildroot', buildroot, ...(command === 'relink' ? ['--manifest', manifest] : [])];
  expect((await pyclink([...call, '--dry-run'])).status).toBe(0);
  expect(everythingIn(buildroot)).toHaveLength(before.length + 1);
  expect((await pyclink(call)).status).toBe(0);
  expect(everythingIn(buildroot)).toEqual(before);
});

it('leftovers of a killed run in a __pycache__ are removed, files of a running one are not', async () => {
  await ended;
  const name = (pid: number) => `${library}/__pycache__/${leftoverOf(pid)}`;
  const [left, used, foreign] = [name(ended.pid as number), name(process.pid), `${library}/__pycache__/.pyclink-notes`];
  // A process of another machine or container may have any number.
  const elsewhere = `${library}/__pycache__/.pyclink-${ended.pid}-${randomUUID()}`;
  const buildroot = plantBuildroot({ [`${library}/m.py`]: 'x = 1\n' });
  plant(buildroot, { [left]: 'half', [used]: 'half', [foreign]: 'not ours', [elsewhere]: 'half' });
  expect((await pyclink(quietBuild(buildroot))).status).toBe(0);
  const isThere = (path: string) => existsSync(join(buildroot, path));
  expect([left, used, foreign, elsewhere].map(isThere)).toEqual([false, true, true, true]);
});
