import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { contentsOf, everythingIn } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
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
import { cpuSecondsOf, until, workersOf } from './helpers/processes.ts';

/** In the order in which one worker comes to them: by size. The healthy source comes last. */
const [early, slow, late] = [`${library}/early.py`, `${library}/slow/slow.py`, `${library}/late.py`];

/** Takes a second or more a level, so that there is time to kill the worker at it. No level is like another. */
const slowText = Array.from({ length: 60_000 }, (_, i) => `x${i % 50} = (len, ${i}, x)\n`).join('');

function plantSlow(): string {
  return plantBesideHealthy({
    [early]: healthyText + '# long, but soon compiled\n'.repeat(100_000),
    [slow]: { content: `"""A docstring."""\nx = 0\nassert not x\n${slowText}`, mtime: 1_600_000_000 },
    [late]: `${healthyText}# not the smallest\n`,
  });
}

/** Kills the one worker there is. @returns its pid */
function killWorker(buildroot: string): number {
  const [pid, ...others] = workersOf(buildroot);
  expect(others).toEqual([]);
  process.kill(pid as number, 'SIGKILL');
  return pid as number;
}

function isThere(buildroot: string, path: string): Promise<true> {
  return until(path, () => existsSync(join(buildroot, path)) || undefined);
}

/** Waits until the worker is in the midst of the slow source. @param other the one that was killed before */
async function isAtSlow(buildroot: string, other?: number): Promise<void> {
  await isThere(buildroot, pycsOf(early)[2] as string);
  await until('work', () => workersOf(buildroot).some((pid) => pid !== other && cpuSecondsOf(pid) > 0.5) || undefined);
}

const cache = dirname(pycsOf(slow)[0] as string);

async function expectOthersCompiled(buildroot: string): Promise<void> {
  for (const source of [early, late]) await expectCompiled(buildroot, source);
  await expectHealthy(buildroot);
}

test.each([
  ['at the start of a source', (buildroot: string) => isThere(buildroot, pycsOf(early)[2] as string)],
  ['in the midst of a source', isAtSlow],
])('a worker that is killed %s is replaced, and nothing is lost', async (_, isDue) => {
  const buildroot = plantSlow();
  const before = contentsOf(buildroot);
  const running = pyclink(quietBuild(buildroot, '-j', '1'));
  await isDue(buildroot);
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

test('a worker that is killed like its replacement costs only its source, which is reported', async () => {
  const buildroot = plantSlow();
  const running = pyclink(quietBuild(buildroot, '-j', '1'));
  await isAtSlow(buildroot);
  const killed = killWorker(buildroot);
  await isAtSlow(buildroot, killed);
  expect(killWorker(buildroot)).not.toBe(killed);
  const ran = await running;
  expect(ran.stderr).toBe(`pyclink: error: ${slow}: the interpreter died while compiling it\n    SIGKILL\n`);
  expect(ran.stdout).toContain('\npyclink: 1 problem, see above\n');
  expect(ran.status).toBe(1);
  const tree = everythingIn(buildroot);
  expect(tree.filter((path) => path.startsWith(cache.slice(1)))).toEqual([]);
  expect(tree.filter((path) => path.includes('.pyclink-'))).toEqual([]);
  await expectOthersCompiled(buildroot);
});

test.each([
  [1, 0, ''],
  [2, 3, / cannot be started \(SIGKILL\)/],
])('an interpreter that is killed %i times while it starts: exit status %i', async (times, status, complaint) => {
  const buildroot = plantBesideHealthy({});
  const [python, count] = ['python', 'count'].map((name) => join(buildroot, '..', name)) as [string, string];
  const script = `#!/bin/sh\necho >> ${count}\n[ $(wc -l < ${count}) -gt ${times} ] || kill -KILL $$\nexec ${systemPython.executable} "$@"\n`;
  writeFileSync(python, script, { mode: 0o755 });
  const ran = await pyclink(quietBuild(buildroot, '--python', python, library));
  expect(ran.status).toBe(status);
  expect(ran.stderr).toMatch(complaint);
  if (status === 0) await expectHealthy(buildroot);
});
