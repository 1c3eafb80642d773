import { expect, it } from 'vitest';
import type { CompileJob } from '../../src/compile/plan.ts';
import { JobQueue } from '../../src/pipeline/job-queue.ts';

const jobs = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ source: { payload: `/${name}${i}.py` } }) as unknown as CompileJob);

it('gives each job of an interpreter once, in order, with its number', () => {
  const all = [jobs('a', 300), jobs('b', 2)];
  const queue = new JobQueue(all, 2);
  const taken: CompileJob[] = [];
  expect(queue.take(0)).toEqual({ ...all[0]?.[0], number: 0 });
  for (let chunk = queue.takeChunk(0); chunk.jobs.length > 0; chunk = queue.takeChunk(0)) {
    expect(chunk.first).toBe(taken.length + 1);
    taken.push(...chunk.jobs);
  }
  expect(taken).toEqual(all[0]?.slice(1));
  expect(queue.take(0)).toBeUndefined();
  expect(queue.takeChunk(1)).toEqual({ first: 0, jobs: all[1]?.slice(0, 1) });
  expect(queue.take(1)).toMatchObject({ number: 1 });
});

it('gives small chunks if few jobs are left', () => {
  const queue = new JobQueue([jobs('a', 200)], 4);
  const sizes: number[] = [];
  for (let chunk = queue.takeChunk(0); chunk.jobs.length > 0; chunk = queue.takeChunk(0)) sizes.push(chunk.jobs.length);
  expect(sizes.slice(0, 4)).toEqual([13, 12, 11, 11]);
  expect(sizes.at(-1)).toBe(1);
});

it('gives nothing after it is stopped', () => {
  const queue = new JobQueue([jobs('a', 9)], 1);
  queue.stop();
  expect([queue.take(0), queue.takeChunk(0).jobs]).toEqual([undefined, []]);
});
