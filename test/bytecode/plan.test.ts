import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameOf, type PayloadPath, type StagedPath } from '../../src/buildroot/path.ts';
import type { Source } from '../../src/buildroot/source.ts';
import type { Interpreter } from '../../src/bytecode/interpreter.ts';
import { planCompile } from '../../src/bytecode/plan.ts';

function source(payload: string, buildroot = '/build/root'): Source {
  const staged = (buildroot + payload) as StagedPath;
  return {
    staged,
    payload: payload as PayloadPath,
    content: staged,
    physical: true,
    interpreter: 'supported-pythons',
    sizeBytes: 1,
    mtimeSeconds: 2,
  };
}

const interpreter = (cacheTag: string): Interpreter => ({
  executable: '/usr/bin/python3',
  implementation: 'cpython',
  version: '3.11.2',
  cacheTag,
  magicNumber: 3495,
  freeThreaded: false,
});

const recorded = { strip: '/build/root', prepend: '/' };

describe('planCompile', () => {
  it('plans a job for each source and interpreter, with a pyc for each level', () => {
    const [a, b] = [source('/usr/lib/a.py'), source('/b.py')];
    const [old, recent] = [interpreter('cpython-310'), interpreter('cpython-311')];
    const jobs = planCompile([a, b], (one) => (one === a ? [old, recent] : [recent]), [0, 2], recorded);
    const pycs = (directory: string, stem: string) => [
      {
        level: 0,
        staged: `/build/root${directory}/__pycache__/${stem}.pyc`,
        payload: `${directory}/__pycache__/${stem}.pyc`,
      },
      {
        level: 2,
        staged: `/build/root${directory}/__pycache__/${stem}.opt-2.pyc`,
        payload: `${directory}/__pycache__/${stem}.opt-2.pyc`,
      },
    ];
    expect(jobs).toEqual([
      { source: a, interpreter: old, recordedDirectory: '/usr/lib', pycs: pycs('/usr/lib', 'a.cpython-310') },
      { source: a, interpreter: recent, recordedDirectory: '/usr/lib', pycs: pycs('/usr/lib', 'a.cpython-311') },
      { source: b, interpreter: recent, recordedDirectory: '/', pycs: pycs('', 'b.cpython-311') },
    ]);
  });

  it('plans nothing without sources, or where nobody compiles', () => {
    expect(planCompile([], () => [interpreter('cpython-311')], [0], recorded)).toEqual([]);
    expect(planCompile([source('/a.py')], () => [], [0], recorded)).toEqual([]);
  });

  it.each([
    ['/usr/lib/a.py', '/build/root', '/', '/usr/lib'],
    ['/a.py', '/build/root', '/', '/'],
    ['/usr/lib/a.py', '/build/root/usr', '/', '/lib'],
    ['/usr/lib/a.py', '/build/root/usr/lib', '/', '/'],
    ['/usr/lib/a.py', '/build/root', '/opt', '/opt/usr/lib'],
    ['/usr/lib/a.py', '/build/root', '/opt/', '/opt/usr/lib'],
    ['/a.py', '/build/root', '/opt', '/opt'],
    ['/usr/lib/a.py', '/build/root', '', 'usr/lib'],
    ['/a.py', '/build/root', '', ''],
    ['/usr/lib/a.py', '/build/root', 'src', 'src/usr/lib'],
    ['/usr/lib/a.py', '/', '/', '/build/root/usr/lib'],
    ['/usr/lib/a.py', '/build', '/', '/root/usr/lib'],
  ])('records for %s, with strip %s and prepend %j, the directory %j', (payload, strip, prepend, directory) => {
    const jobs = planCompile([source(payload)], () => [interpreter('cpython-311')], [0], { strip, prepend });
    expect(jobs.map((job) => job.recordedDirectory)).toEqual([directory]);
  });

  it('records the payload path by default, whatever the buildroot', () => {
    const component = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 6 })
      .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..');
    const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
    fc.assert(
      fc.property(path, path, (buildroot, directory) => {
        const payload = `${directory}/a.py`;
        const [job] = planCompile([source(payload, buildroot)], () => [interpreter('x')], [0], {
          strip: buildroot,
          prepend: '/',
        });
        expect(`${job?.recordedDirectory}/${nameOf(payload)}`).toBe(payload);
      }),
    );
  });
});
