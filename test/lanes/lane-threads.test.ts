import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runLaneThreads } from '../../src/lanes/lane-threads.ts';
import { temporaryDirectory } from '../helpers/buildroot.ts';

const order = { options: {}, work: [] } as unknown as Parameters<typeof runLaneThreads>[0][number];
const result = { records: [], skipped: [], warnings: [], current: 3 };

/** Runs two lanes of a program; `lane`, `state` and `post` are there. */
function lanesOf(text: string, signal?: AbortSignal) {
  const program = join(temporaryDirectory(), 'lane.cjs');
  writeFileSync(
    program,
    `const { parentPort, workerData: { lane, control } } = require('node:worker_threads');
const state = new Int32Array(control.state);
const writing = new Int32Array(control.writing);
const post = (message) => parentPort.postMessage(message);
${text}`,
  );
  const progress: number[] = [];
  const listener = { onProgress: (done: number) => progress.push(done), signal };
  const results = runLaneThreads([order, order], listener, {
    program,
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  });
  return { results, progress };
}

it('returns the results in the order of the lanes', async () => {
  const { results } = lanesOf(
    `setTimeout(() => post({ ...${JSON.stringify(result)}, current: lane }), lane === 0 ? 100 : 0)`,
  );
  expect((await results).map(({ current }) => current)).toEqual([0, 1]);
});

it('tells how many sources are done', async () => {
  const { results, progress } = lanesOf(
    `Atomics.add(state, 1, 5); setTimeout(() => post(${JSON.stringify(result)}), 250)`,
  );
  await results;
  expect(progress.at(-1)).toBe(10);
});

it('has the error of a lane, when the others have stopped taking jobs and ended', async () => {
  const failure = { code: 'file-failed', message: 'disk full', path: '/a', hint: 'make room' };
  const { results } = lanesOf(`
if (lane === 0) post({ failure: ${JSON.stringify(failure)} });
else {
  while (Atomics.load(state, 0) === 0) Atomics.wait(state, 0, 0, 10);
  post(${JSON.stringify(result)});
}`);
  await expect(results).rejects.toMatchObject({ ...failure, exitStatus: 3 });
});

it('says that a lane ran out of memory', async () => {
  const { results } = lanesOf('const all = []; for (;;) all.push(Array.from({ length: 1000 }, Math.random));');
  await expect(results).rejects.toMatchObject({ code: 'worker-failed', message: 'a thread ran out of memory' });
});

it.each([
  ['throws', "throw new TypeError('a bug')", 'a bug'],
  ['ends early', 'process.exit(0)', /^lane [01] ended without a result$/],
])('takes a lane that %s for a bug', async (_, text, message) => {
  const error: unknown = await lanesOf(text).results.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toHaveProperty('exitStatus');
  expect((error as Error).message).toMatch(message);
});

it('waits at its end for what is being written, and lets nothing be written afterwards', async () => {
  const exiting = new AbortController();
  const { results } = lanesOf(
    `
Atomics.store(writing, lane, 1);
Atomics.add(state, 1, 1);
const until = Date.now() + 300;
while (Date.now() < until);
Atomics.store(writing, lane, 0);
Atomics.notify(writing, lane);
post({ ...${JSON.stringify(result)}, current: Atomics.load(state, 0) });`,
    exiting.signal,
  );
  await new Promise((resolve) => setTimeout(resolve, 150));
  exiting.abort();
  expect((await results).map(({ current }) => current)).toEqual([2, 2]);
});
