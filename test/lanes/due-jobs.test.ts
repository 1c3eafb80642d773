import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Looked } from '../../src/cache/found.ts';
import type { SourceCache } from '../../src/cache/source-cache.ts';
import { DueJobs } from '../../src/lanes/due-jobs.ts';
import type { NumberedJob } from '../../src/lanes/shared-jobs.ts';
import { Digests } from '../../src/sha256.ts';

const jobs = Array.from({ length: 1000 }, (_, number) => ({ number }) as NumberedJob);

/** A queue of all jobs. */
function queue() {
  const rest = [...jobs];
  return { next: () => rest.shift(), left: () => rest.length };
}

/** A cache that has every other job. */
const cache = {
  lookUp: ({ number }: NumberedJob) =>
    number % 2 === 0
      ? { pycs: [], digests: new Digests(), warnings: [`${number}`] }
      : { key: `${number}`, sha256: '', shouldAskServer: false },
} as unknown as SourceCache;

/** Takes jobs as a worker does. */
async function takeAll(from: DueJobs, taken: NumberedJob[], limit = Number.POSITIVE_INFINITY): Promise<void> {
  while (taken.length < limit) {
    const job = from.next();
    if (job !== undefined) taken.push(job);
    else {
      const more = from.more();
      if (more === undefined) return;
      await more;
    }
  }
}

it('gives each job to the workers or to the one that writes hits, once', async () => {
  const cached = new DueJobs(queue(), 2);
  const [hits, taken]: [NumberedJob[], NumberedJob[]] = [[], []];
  await Promise.all([
    cached.lookUp({ cache, onHit: (job) => hits.push(job) }),
    takeAll(cached, taken),
    takeAll(cached, taken),
  ]);
  expect(hits.map(({ number }) => number)).toEqual(jobs.filter((_, i) => i % 2 === 0).map(({ number }) => number));
  expect(taken.map(({ number }) => number)).toEqual(jobs.filter((_, i) => i % 2 === 1).map(({ number }) => number));
  expect(cached.left()).toBe(0);
  expect(cached.takeLooked(taken[0] as NumberedJob)).toMatchObject({ key: '1' });
  expect(cached.takeLooked(taken[0] as NumberedJob)).toBeUndefined();
});

it('gives the workers what is not kept, while it is looked up', async () => {
  const due = new DueJobs(queue(), 2);
  const taken: NumberedJob[] = [];
  let takenAtLast = 0;
  const keep = ({ number }: NumberedJob) => {
    if (number === 999) takenAtLast = taken.length;
    return number % 2 === 0;
  };
  await Promise.all([due.lookUp({ keep, onHit: () => undefined }), takeAll(due, taken)]);
  expect(taken.map(({ number }) => number)).toEqual(jobs.filter((_, i) => i % 2 === 1).map(({ number }) => number));
  expect(takenAtLast).toBeGreaterThan(0);
});

it('looks no further ahead than workers need', async () => {
  const cached = new DueJobs(queue(), 2);
  const looking = cached.lookUp({ cache, onHit: () => undefined });
  const taken: NumberedJob[] = [];
  await takeAll(cached, taken, 1);
  expect(cached.left()).toBeGreaterThan(500);
  await takeAll(cached, taken);
  await looking;
  expect(taken).toHaveLength(500);
});

describe('with a server', () => {
  /** A local store that has nothing, and a server that answers after so long, if at all; it has every other job. */
  const withServer = (answerAfterMs: number) => ({
    hasServer: true,
    lookUp: ({ number }: NumberedJob) => ({ key: `${number}`, sha256: '', shouldAskServer: true }),
    ask: (_: NumberedJob, { key }: Looked) =>
      new Promise<Buffer>((resolve) => {
        if (Number.isFinite(answerAfterMs)) setTimeout(() => resolve(Buffer.from(key)), answerAfterMs);
      }),
    accept: ({ number }: NumberedJob, looked: Looked) =>
      number % 2 === 0 ? { pycs: [], digests: new Digests(), warnings: [] } : looked,
  });

  it.each([
    ['fast', 0],
    ['slow', 100],
    ['mute', Number.POSITIVE_INFINITY],
  ])('that is %s, each job is a hit or compiled, once', async (name, answerAfterMs) => {
    const cached = new DueJobs(queue(), 2);
    const [hits, taken]: [NumberedJob[], NumberedJob[]] = [[], []];
    const server = withServer(answerAfterMs) as unknown as SourceCache;
    await Promise.all([
      cached.lookUp({ cache: server, onHit: (job) => hits.push(job) }),
      takeAll(cached, taken),
      takeAll(cached, taken),
    ]);
    const numbers = [...hits, ...taken].map(({ number }) => number).sort((a, b) => a - b);
    expect(numbers).toEqual(jobs.map(({ number }) => number));
    expect(cached.left()).toBe(0);
    if (name === 'mute') expect(hits).toEqual([]);
  });

  it('that does not answer, workers hardly ever wait', async () => {
    const due = new DueJobs(queue(), 2);
    let [taken, waits] = [0, 0];
    const work = async () => {
      for (;;) {
        if (due.next() !== undefined) {
          taken += 1;
          await setImmediate();
          continue;
        }
        const more = due.more();
        if (more === undefined) return;
        if (due.left() > 50) waits += 1;
        await more;
      }
    };
    const server = withServer(Number.POSITIVE_INFINITY) as unknown as SourceCache;
    await Promise.all([due.lookUp({ cache: server, onHit: () => undefined }), work(), work()]);
    expect(taken).toBe(1000);
    expect(waits).toBeLessThan(100);
  });

  it("that fails in a way nobody expected, the failure is the build's", async () => {
    const cached = new DueJobs(queue(), 2);
    const server = { ...withServer(0), ask: () => Promise.reject(new Error('broken')) } as unknown as SourceCache;
    const work = Promise.all([cached.lookUp({ cache: server, onHit: () => undefined }), takeAll(cached, [])]);
    await expect(work).rejects.toThrow('broken');
  });
});

it('ends when the workers do, and when the cache fails', async () => {
  const stopped = new DueJobs(queue(), 2);
  const looking = stopped.lookUp({ cache, onHit: () => undefined });
  stopped.stop();
  await looking;
  expect(stopped.left()).toBeGreaterThan(500);

  const failing = new DueJobs(queue(), 2);
  const throwing = {
    lookUp: () => {
      throw new Error('broken');
    },
  } as unknown as SourceCache;
  await expect(
    Promise.all([failing.lookUp({ cache: throwing, onHit: () => undefined }), takeAll(failing, [])]),
  ).rejects.toThrow('broken');
});
