import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contentsOf, everythingIn, plant } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
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
import { until, workersOf } from './helpers/processes.ts';

/** In the order in which one worker comes to them; the healthy source, in `kernel`, lies between the first two. */
const [early, slow, late] = [`${library}/early.py`, `${library}/slow.py`, `${library}/zz_late.py`];

/** Takes a second or more a level, so that there is time to kill the worker at it. */
const slowText = Array.from({ length: 60_000 }, (_, i) => `x${i % 50} = (len, ${i}, x)\n`).join('');

function plantSlow(): string {
  return plantBesideHealthy({
    [early]: healthyText,
    [slow]: { content: `x = 0\n${slowText}`, mtime: 1_600_000_000 },
    [late]: healthyText,
  });
}

/** Kills the one worker there is. @returns its pid */
function killWorker(buildroot: string): number {
  const [pid, ...others] = workersOf(buildroot);
  expect(others).toEqual([]);
  process.kill(pid as number, 'SIGKILL');
  return pid as number;
}

/** The inode of a source's first pyc once there is one, and it is another than an earlier one. */
function firstLevelWritten(buildroot: string, source: string, earlier?: number): Promise<number> {
  const path = join(buildroot, pycsOf(source)[0] as string);
  return until(`${path}`, () => {
    const inode = lstatSync(path, { throwIfNoEntry: false })?.ino;
    return inode === earlier ? undefined : inode;
  });
}

/** The worker has answered for a source when its pycs are linked. */
function done(buildroot: string, source: string): Promise<true> {
  const path = join(buildroot, pycsOf(source)[0] as string);
  return until(`links of ${path}`, () => lstatSync(path, { throwIfNoEntry: false })?.nlink === 2 || undefined);
}

async function expectOthersCompiled(buildroot: string): Promise<void> {
  for (const source of [early, late]) await expectCompiled(buildroot, source);
  await expectHealthy(buildroot);
}

test.each([
  ['at the start of a source', (buildroot: string) => done(buildroot, `${library}/kernel/healthy.py`)],
  ['between two levels of a source', (buildroot: string) => firstLevelWritten(buildroot, slow)],
])('a worker that is killed %s is replaced, and nothing is lost', async (_, moment) => {
  const buildroot = plantSlow();
  const before = contentsOf(buildroot);
  // What an interpreter leaves that dies in the middle of writing this pyc.
  plant(buildroot, { [`${pycsOf(slow)[2]}.140173820479952`]: 'half a pyc' });
  const running = pyclink(quietBuild(buildroot, '-j', '1'));
  await moment(buildroot);
  killWorker(buildroot);
  const ran = await running;
  expect(ran.stderr).toBe(`pyclink: warning: ${slow}: the interpreter died (SIGKILL) and was replaced\n`);
  expect(ran.status).toBe(0);
  const added = [...new Set([...healthyAdds, ...addedBy(early, slow, late)])].sort();
  expect(changesSince(before, buildroot)).toEqual({ added, changed: [], gone: [] });
  const pycs = await readPycs(buildroot, slow);
  expect(pycs.map((pyc) => [pyc.magic, pyc.mtimeSeconds, pyc.fileNames])).toEqual(
    Array(3).fill([true, 1_600_000_000, [slow]]),
  );
  await expectOthersCompiled(buildroot);
});

test('a worker that is killed, and its replacement too: the source is named and lost, no other is', async () => {
  const buildroot = plantSlow();
  const running = pyclink(quietBuild(buildroot, '-j', '1'));
  const first = await firstLevelWritten(buildroot, slow);
  const killed = killWorker(buildroot);
  await firstLevelWritten(buildroot, slow, first);
  expect(killWorker(buildroot)).not.toBe(killed);
  const ran = await running;
  expect(ran.stderr).toBe(`pyclink: error: ${slow}: the interpreter died while compiling it\n    SIGKILL\n`);
  expect(ran.stdout).toContain('\npyclink: 1 problem, see above\n');
  expect(ran.status).toBe(1);
  const [, level1 = '', level2 = ''] = pycsOf(slow);
  const tree = everythingIn(buildroot);
  expect(tree).not.toContain(level1.slice(1));
  expect(tree).not.toContain(level2.slice(1));
  expect(tree.filter((path) => !/\.pyc?$|^[^.]+$|python\d\.\d+(\/kernel)?(\/__pycache__)?$/.test(path))).toEqual([]);
  await expectOthersCompiled(buildroot);
});
