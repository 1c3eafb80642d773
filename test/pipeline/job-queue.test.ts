import { expect, it } from 'vitest';
import type { CompileJob } from '../../src/compile/plan.ts';
import { JobQueue } from '../../src/pipeline/job-queue.ts';

const jobs = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ source: { payload: `/${name}${i}.py` } }) as unknown as CompileJob);

it('gives each job of an interpreter once, in order, with its number', () => {
  const all = [jobs('a', 300), jobs('b', 2)];
  const queue = new JobQueue(all, 2);
  const taken: CompileJob[] = [];
  expect(queue.take(0, 1)).toEqual([{ ...all[0]?.[0], number: 0 }]);
  for (let chunk = queue.take(0); chunk.length > 0; chunk = queue.take(0)) taken.push(...chunk);
  expect(taken).toEqual(all[0]?.slice(1).map((job, i) => ({ ...job, number: i + 1 })));
  expect(queue.take(0, 1)).toEqual([]);
  expect(queue.take(1)).toEqual([{ ...all[1]?.[0], number: 0 }]);
  expect(queue.take(1, 1)).toMatchObject([{ number: 1 }]);
});

it('gives small chunks if few jobs are left', () => {
  const queue = new JobQueue([jobs('a', 200)], 4);
  const sizes: number[] = [];
  for (let chunk = queue.take(0); chunk.length > 0; chunk = queue.take(0)) sizes.push(chunk.length);
  expect(sizes.slice(0, 4)).toEqual([13, 12, 11, 11]);
  expect(sizes.at(-1)).toBe(1);
});

it('gives nothing after it is stopped', () => {
  const queue = new JobQueue([jobs('a', 9)], 1);
  queue.stop();
  expect([queue.take(0, 1), queue.take(0)]).toEqual([[], []]);
});
