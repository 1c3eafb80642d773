import { expect, it } from 'vitest';
import { CachedJobs } from '../../src/build/cached-jobs.ts';
import type { NumberedJob } from '../../src/build/shared-jobs.ts';
import type { SourceCache } from '../../src/cache/source-cache.ts';

const jobs = Array.from({ length: 1000 }, (_, number) => ({ number }) as NumberedJob);

/** A queue of all jobs. */
function queue() {
  const rest = [...jobs];
  return { next: () => rest.shift(), left: () => rest.length };
}

/** A cache that has every other job. */
const cache = {
  lookUp: ({ number }: NumberedJob) =>
    number % 2 === 0 ? { made: [], warnings: [`${number}`] } : { key: `${number}`, sha256: '' },
} as unknown as SourceCache;

/** Takes jobs as a worker does. */
async function takeAll(from: CachedJobs, taken: NumberedJob[], limit = Number.POSITIVE_INFINITY): Promise<void> {
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
  const cached = new CachedJobs(queue());
  const [hits, taken]: [NumberedJob[], NumberedJob[]] = [[], []];
  await Promise.all([cached.lookUp(cache, (job) => hits.push(job)), takeAll(cached, taken), takeAll(cached, taken)]);
  expect(hits.map(({ number }) => number)).toEqual(jobs.filter((_, i) => i % 2 === 0).map(({ number }) => number));
  expect(taken.map(({ number }) => number)).toEqual(jobs.filter((_, i) => i % 2 === 1).map(({ number }) => number));
  expect(cached.left()).toBe(0);
  expect(cached.takeLooked(taken[0] as NumberedJob)).toMatchObject({ key: '1' });
  expect(cached.takeLooked(taken[0] as NumberedJob)).toBeUndefined();
});

it('looks no further ahead than workers need', async () => {
  const cached = new CachedJobs(queue());
  const looking = cached.lookUp(cache, () => undefined);
  const taken: NumberedJob[] = [];
  await takeAll(cached, taken, 1);
  expect(cached.left()).toBeGreaterThan(500);
  await takeAll(cached, taken);
  await looking;
  expect(taken).toHaveLength(500);
});

it('ends when the workers do, and when the cache fails', async () => {
  const stopped = new CachedJobs(queue());
  const looking = stopped.lookUp(cache, () => undefined);
  stopped.stop();
  await looking;
  expect(stopped.left()).toBeGreaterThan(500);

  const failing = new CachedJobs(queue());
  const throwing = {
    lookUp: () => {
      throw new Error('broken');
    },
  } as unknown as SourceCache;
  await expect(Promise.all([failing.lookUp(throwing, () => undefined), takeAll(failing, [])])).rejects.toThrow(
    'broken',
  );
});
