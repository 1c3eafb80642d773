import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { WorkerJob } from '../../src/compile/protocol.ts';
import { startFirst } from '../../src/compile/start-workers.ts';
import { type PoolResult, WorkerPool } from '../../src/compile/worker-pool.ts';
import type { PyclinkError } from '../../src/errors.ts';
import { sha256Of } from '../../src/sha256.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';
import { allPythons, type RealPython, systemPython } from '../helpers/pythons.ts';

/** Another interpreter with the same name. */
const other = allPythons.find(({ version }) => version !== systemPython.version);

/** The workers of a pool that run now, by what its environment says. */
function workersOf(mark: string): string[] {
  return readdirSync('/proc').filter(
    (name) =>
      /^\d+$/.test(name) && existsSync(`/proc/${name}/environ`) && environmentOf(name).includes(`\0MARK=${mark}\0`),
  );
}

/** Of a process that may have ended meanwhile. */
function environmentOf(processId: string): string {
  try {
    return `\0${readFileSync(`/proc/${processId}/environ`, 'latin1')}`;
  } catch {
    return '';
  }
}

/** A pool for these sources, and a job for each in their order. */
async function poolFor(sources: Readonly<Record<string, string>>, more: Readonly<Record<string, string>> = {}) {
  const root = plantBuildroot(sources);
  const mark = randomUUID();
  const environment = { PATH: '/usr/bin', MARK: mark, ...more };
  const first = await startFirst([systemPython.executable], {}, environment);
  if ('refused' in first) throw new Error(first.refused.join());
  const jobs = Object.keys(sources).map((name) => ({
    source: join(root, name),
    recordedDirectory: '/',
    levels: [0] as const,
    invalidationMode: 'timestamp' as const,
  }));
  return { pool: new WorkerPool(environment, first), jobs, mark, root };
}

/** Compiles jobs in their order. */
async function compileAll(pool: WorkerPool, jobs: readonly WorkerJob[], use: (result: PoolResult) => void) {
  await Promise.all(jobs.map(async (job) => use(await pool.compile(job, 60_000))));
}

it('a pool whose listener throws starts no further workers, and closes cleanly', async () => {
  const { pool, jobs, mark } = await poolFor(
    Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`m${i}.py`, `x = ${i}\n`])),
  );
  pool.maxWorkers = 2;
  const compiling = compileAll(pool, jobs, () => {
    throw new Error('disk on fire');
  });
  await expect(compiling).rejects.toThrow('disk on fire');
  // The second worker is still starting.
  expect(workersOf(mark)).not.toEqual([]);
  await pool.close();
  expect(workersOf(mark)).toEqual([]);
});

it('a source that exceeds its time limit costs only itself, and its worker is killed', async () => {
  const { pool, jobs, mark, root } = await poolFor({ 'slow.py': '', 'quick.py': 'x = 1\n' });
  // Nobody ever writes to it, so the worker waits until it is killed.
  const content = join(root, 'fifo');
  execFileSync('mkfifo', [content]);
  const text = (result: PoolResult) => ('lost' in result ? `${result.lost}: ${result.problem}` : 'compiled');
  const [slow, quick] = jobs as WorkerJob[] as [WorkerJob, WorkerJob];
  const results = await Promise.all([pool.compile({ ...slow, content }, 50), pool.compile(quick, 60_000)]);
  await pool.close();
  expect(results.map(text)).toEqual(['hung: no response within 0.05 s', 'compiled']);
  expect(workersOf(mark)).toEqual([]);
});

describe('an interpreter that changes after the first worker described it', () => {
  /** A pool of one worker, whose interpreter then is another, and a source at which that worker dies. */
  async function exchanged(change: (script: string) => string, more: Readonly<Record<string, string>> = {}) {
    const { pool: old, jobs, mark, root } = await poolFor({ 'a.py': 'x = 1\n', 'b.py': 'x = 2\n' }, more);
    await old.close();
    const wrapper = join(root, 'python');
    const script = `#!/bin/sh\nexec ${systemPython.executable} "$@"\n`;
    writeFileSync(wrapper, script, { mode: 0o755 });
    const first = await startFirst([wrapper], {}, old.environment);
    if ('refused' in first) throw new Error(first.refused.join());
    const pool = new WorkerPool(old.environment, first);
    writeFileSync(wrapper, change(script));
    const [worker] = workersOf(mark);
    process.kill(Number(worker), 'SIGKILL');
    const results: PoolResult[] = [];
    const end = await compileAll(pool, jobs, (result) => results.push(result)).then(
      () => 'done',
      (error: PyclinkError) => `${error.code}: ${error.message}`,
    );
    await pool.close();
    expect(workersOf(mark)).toEqual([]);
    return { end, results: results.length };
  }

  it.skipIf(other === undefined)('ends the run, and compiles nothing', async () => {
    const change = (script: string) => script.replace(systemPython.executable, (other as RealPython).executable);
    const message = `it is Python ${other?.version} now, and was Python ${systemPython.version} at first`;
    expect(await exchanged(change)).toEqual({
      end: `worker-failed: the interpreter changed during the build: ${message}`,
      results: 0,
    });
  });

  it.each<[string, (script: string) => string, Readonly<Record<string, string>>]>([
    ['options', (script) => script.replace(' "$@"', ' -X dev "$@"'), {}],
    ['warnings', (script) => script.replace(' "$@"', ' -W error "$@"'), {}],
    ['variables', (script) => script.replace('exec', 'PYTHONNODEBUGRANGES=1 exec'), {}],
    ['libraries', (script) => script.replace('exec', 'LD_PRELOAD=libresolv.so.2 exec'), { PYCLINK_CACHE: '1' }],
  ])('ends the run if only its %s differ', async (_, change, more) => {
    const again = `it is a different Python ${systemPython.version}, or its files, options or environment variables changed`;
    expect(await exchanged(change, more)).toEqual({
      end: `worker-failed: the interpreter changed during the build: ${again}`,
      results: 0,
    });
  });

  it.each([{}, { PYCLINK_CACHE: '1' }])('is replaced if it describes itself the same: %j', async (more) => {
    expect(await exchanged((script) => `${script}# another file\n`, more)).toEqual({ end: 'done', results: 2 });
  });
});

it.each<[string, string, readonly number[]]>([
  ['nothing', 'x = "text"\n', [0]],
  ['a class without a docstring', 'class A:\n    x = "text"\n', [0]],
  ['a function without a docstring', 'def f(x):\n    return x + "text"\n', [0]],
  ['a lambda that gives a text', 'f = lambda: "text"\n', [0]],
  ['an assertion', 'class A:\n    assert x\n', [0, 1]],
  ['the docstring of a module', '"""Text."""\n', [0, 2]],
  ['the docstring of a class', 'class A:\n    """Text."""\n', [0, 2]],
  ['the docstring of a method', 'class A:\n    def f(self):\n        """Text."""\n', [0, 2]],
  ['an assertion and a docstring', 'def f(x):\n    """Text."""\n    assert x\n', [0, 1, 2]],
])('of a source with %s, only the levels that can differ are compiled', async (_, text, expected) => {
  const { pool, jobs } = await poolFor({ 'a.py': text });
  const compiled: number[] = [];
  const proving = jobs.map((job) => ({ ...job, levels: [0, 1, 2] as const, levelProof: { docstringFlag: 0 } }));
  await compileAll(pool, proving, (result) => {
    if ('lost' in result) throw new Error(result.problem);
    for (const [i, { level, content }] of result.levels.entries()) {
      if (result.levels[i - 1]?.content !== content) compiled.push(level);
    }
  });
  await pool.close();
  expect(compiled).toEqual(expected);
});

it.each([
  ['# -*- coding: latin-1 -*-\n', false],
  ['#!/usr/bin/python3\n# vim: set fileencoding=cp1252 :\n', false],
  ['# coding: utf-8\n', true],
  ['# -*- coding: UTF-8 -*-\n', true],
  ['\n\n# coding: latin-1\n', true],
  ['# coding: latin-1', false],
  ['', true],
])('for a cache, a worker tells which text it compiled: %j, in UTF-8: %s', async (text, isUtf8) => {
  const { pool, jobs } = await poolFor({ 'a.py': text }, { PYCLINK_CACHE: '1' });
  const compiled: unknown[] = [];
  await compileAll(pool, jobs, (result) => compiled.push('lost' in result ? result.problem : result.compiled));
  await pool.close();
  expect(compiled).toEqual([{ sha256: sha256Of(text), isUtf8 }]);
});
