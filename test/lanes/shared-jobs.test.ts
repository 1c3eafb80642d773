import { expect, it } from 'vitest';
import type { SourceFile } from '../../src/buildroot/source.ts';
import type { CompileJob } from '../../src/compile/plan.ts';
import type { PayloadPath, StagedPath } from '../../src/files/path.ts';
import { queueOf, type SharedJobs, sharedQueue, shareJobs } from '../../src/lanes/shared-jobs.ts';
import { python311 as interpreter } from '../helpers/interpreter.ts';

function jobOf(name: string, more: Partial<SourceFile> = {}): CompileJob {
  const staged = `/build/tree/usr/${name}` as StagedPath;
  const payload = `/usr/${name}` as PayloadPath;
  const source = {
    ...{ staged, payload, content: staged, physical: true, hasCache: true, sizeBytes: 12, mtimeSeconds: -1 },
    ...more,
  };
  return { source, interpreter, levels: [0, 2], recorded: { strip: '/build/tree', prepend: '/' } };
}

const jobs = [
  jobOf('a.py'),
  jobOf('\u00e4 "quoted"\n\u{1f40d}.py', { sizeBytes: 2 ** 40, mtimeSeconds: 2 ** 33 }),
  jobOf('c.py', { content: '/build/tree/other/c' as StagedPath, physical: false, hasCache: false }),
];

it.each<[string, () => ReturnType<typeof queueOf>]>([
  ['of a lane', () => queueOf(jobs)],
  ['that lanes share', () => sharedQueue(structuredClone(shareJobs(jobs)) as SharedJobs)],
])('a queue %s gives each job once, with its number', (_, open) => {
  const next = open();
  for (const [number, job] of jobs.entries()) expect(next()).toEqual({ ...job, number });
  expect(next()).toBeUndefined();
  expect(next()).toBeUndefined();
});

it('two queues over the same jobs give each job to one of them', () => {
  const shared = shareJobs(jobs);
  const [one, other] = [sharedQueue(shared), sharedQueue(shared)];
  expect([one()?.number, other()?.number, one()?.number]).toEqual([0, 1, 2]);
  expect(other()).toBeUndefined();
});
