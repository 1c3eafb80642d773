import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { emptyCounts } from '../../src/cache/counts.ts';
import type { CompileJob } from '../../src/compile/plan.ts';
import { stopAll } from '../../src/exit-signal.ts';
import { JobQueue } from '../../src/pipeline/job-queue.ts';
import type { ThreadOrder, WrittenJob } from '../../src/pipeline/thread.ts';
import { runThreads } from '../../src/pipeline/threads.ts';
import { temporaryDirectory } from '../helpers/buildroot.ts';

/** Runs two threads of a program; `name`, `say` and `ask`, which gives a chunk of jobs, are there. */
function threadsOf(text: string, jobs = 0) {
  const program = join(temporaryDirectory(), 'thread.cjs');
  writeFileSync(
    program,
    `const { parentPort, workerData: { name } } = require('node:worker_threads');
const { once } = require('node:events');
const counts = ${JSON.stringify(emptyCounts())};
const say = (message) => parentPort.postMessage(message);
const ask = async (written = []) => {
  say({ written, asksFor: 0 });
  const [chunk] = await once(parentPort, 'message');
  return chunk;
};
void (async () => {
${text}
})();`,
  );
  const queue = new JobQueue([Array.from({ length: jobs }, (_, i) => ({ name: i }) as unknown as CompileJob)], 2);
  const written: WrittenJob[] = [];
  const orders = [{ name: 'a' }, { name: 'b' }] as unknown as ThreadOrder[];
  const onWritten = (more: readonly WrittenJob[]) => void written.push(...more);
  const limits = { resourceLimits: { maxOldGenerationSizeMb: 16 } };
  return { results: runThreads(orders, queue, onWritten, { program, ...limits }), written };
}

it('gives each job to one thread, and returns the results', async () => {
  const { results, written } = threadsOf(
    `
let written = [];
for (let chunk = await ask(); chunk.length > 0; chunk = await ask(written)) {
  written = chunk.map(({ number, name }) => ({ number, warnings: [String(name)] }));
}
say({ written: [], cache: { ...counts, local: name === 'a' ? 1 : 2 } });`,
    500,
  );
  expect((await Promise.all(results)).map(({ local }) => local)).toEqual([1, 2]);
  expect(written.map(({ number, warnings }) => [number, ...warnings])).toHaveLength(500);
  expect(new Set(written.map(({ number }) => number)).size).toBe(500);
  for (const { number, warnings } of written) expect(warnings).toEqual([`${number}`]);
});

it('gives each thread a small young generation, which is most of its memory', async () => {
  const { results, written } = threadsOf(
    `
const { maxYoungGenerationSizeMb } = require('node:worker_threads').resourceLimits;
say({ written: [{ number: 0, warnings: [String(maxYoungGenerationSizeMb)] }], cache: counts });`,
    0,
  );
  await Promise.all(results);
  expect(written.map(({ warnings }) => warnings)).toEqual([['8'], ['8']]);
});

it('rejects with the error of a thread, after the others have ended', async () => {
  const failure = { code: 'file-failed', message: 'disk full', path: '/a', hint: 'make room' };
  const { results } = threadsOf(
    `
if (name === 'a') return say({ failure: ${JSON.stringify(failure)} });
while ((await ask()).length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
say({ written: [], cache: counts });`,
    1_000_000,
  );
  const [first, second] = await Promise.allSettled(results);
  expect(first).toMatchObject({ reason: { ...failure, exitStatus: 3 } });
  expect(second).toMatchObject({ status: 'fulfilled' });
});

it('reports that a thread ran out of memory', async () => {
  const { results } = threadsOf('const all = []; for (;;) all.push(Array.from({ length: 1000 }, Math.random));');
  const [first] = await Promise.allSettled(results);
  expect(first).toMatchObject({ reason: { code: 'worker-failed', message: 'a thread ran out of memory' } });
});

it.each([
  ['throws', "throw new TypeError('a bug')", 'a bug'],
  ['ends early', 'process.exit(0)', /^thread [01] ended without a result$/],
])('treats a thread that %s as a bug', async (_, text, message) => {
  const ended = await Promise.allSettled(threadsOf(text).results);
  for (const one of ended) {
    const error: unknown = one.status === 'rejected' && one.reason;
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toHaveProperty('exitStatus');
    expect((error as Error).message).toMatch(message);
  }
});

it('ends threads before the process, after their current write', async () => {
  const file = join(temporaryDirectory(), 'written');
  const { written } = threadsOf(
    `
parentPort.on('message', (message) => message === 'stop' && process.exit());
say({ written: [{ number: 1 }], asksFor: 0 });
const { appendFileSync } = require('node:fs');
const until = Date.now() + 300;
while (Date.now() < until);
appendFileSync(${JSON.stringify(file)}, name);
setInterval(() => appendFileSync(${JSON.stringify(file)}, 'late'), 1000);`,
  );
  await expect.poll(() => written.length).toBe(2);
  await stopAll();
  const { readFileSync } = await import('node:fs');
  expect([...readFileSync(file, 'utf8')].sort()).toEqual(['a', 'b']);
});
