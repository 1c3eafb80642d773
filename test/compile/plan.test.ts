import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Source } from '../../src/buildroot/source.ts';
import type { Interpreter } from '../../src/compile/interpreter.ts';
import { type CompileJob, planCompile, pycsOf, recordedDirectoryOf } from '../../src/compile/plan.ts';
import { nameOf, type PayloadPath, type StagedPath } from '../../src/files/path.ts';

function source(payload: string, buildroot = '/build/tree'): Source {
  const staged = (buildroot + payload) as StagedPath;
  return {
    staged,
    payload: payload as PayloadPath,
    content: staged,
    physical: true,
    hasCache: false,
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

const recorded = { strip: '/build/tree', prepend: '/' };

describe('planCompile', () => {
  it('plans a job for each source and interpreter, with a pyc for each level', () => {
    const [a, b] = [source('/usr/lib/a.py'), source('/b.py')];
    const [old, recent] = [interpreter('cpython-310'), interpreter('cpython-311')];
    const jobs = planCompile([a, b], (one) => (one === a ? [old, recent] : [recent]), [0, 2], recorded);
    const job = { levels: [0, 2], recorded, layout: 'pycache' };
    expect(jobs).toEqual([
      { ...job, source: a, interpreter: old },
      { ...job, source: a, interpreter: recent },
      { ...job, source: b, interpreter: recent },
    ]);
    expect(jobs.map(recordedDirectoryOf)).toEqual(['/usr/lib', '/usr/lib', '/']);
    expect(jobs.map((one) => pycsOf(one).map(({ level, path }) => `${level} ${path}`))).toEqual([
      [
        '0 /build/tree/usr/lib/__pycache__/a.cpython-310.pyc',
        '2 /build/tree/usr/lib/__pycache__/a.cpython-310.opt-2.pyc',
      ],
      [
        '0 /build/tree/usr/lib/__pycache__/a.cpython-311.pyc',
        '2 /build/tree/usr/lib/__pycache__/a.cpython-311.opt-2.pyc',
      ],
      ['0 /build/tree/__pycache__/b.cpython-311.pyc', '2 /build/tree/__pycache__/b.cpython-311.opt-2.pyc'],
    ]);
  });

  it('plans nothing without sources or interpreters', () => {
    expect(planCompile([], () => [interpreter('cpython-311')], [0], recorded)).toEqual([]);
    expect(planCompile([source('/a.py')], () => [], [0], recorded)).toEqual([]);
  });

  it.each([
    ['/usr/lib/a.py', '/build/tree', '/', '/usr/lib'],
    ['/a.py', '/build/tree', '/', '/'],
    ['/usr/lib/a.py', '/build/tree/usr', '/', '/lib'],
    ['/usr/lib/a.py', '/build/tree/usr/lib', '/', '/'],
    ['/usr/lib/a.py', '/build/tree', '/opt', '/opt/usr/lib'],
    ['/usr/lib/a.py', '/build/tree', '/opt/', '/opt/usr/lib'],
    ['/a.py', '/build/tree', '/opt', '/opt'],
    ['/usr/lib/a.py', '/build/tree', '', 'usr/lib'],
    ['/a.py', '/build/tree', '', ''],
    ['/usr/lib/a.py', '/build/tree', 'src', 'src/usr/lib'],
    ['/usr/lib/a.py', '/', '/', '/build/tree/usr/lib'],
    ['/usr/lib/a.py', '/build', '/', '/tree/usr/lib'],
  ])('records for %s, with strip %s and prepend %j, the directory %j', (payload, strip, prepend, directory) => {
    const jobs = planCompile([source(payload)], () => [interpreter('cpython-311')], [0], { strip, prepend });
    expect(jobs.map(recordedDirectoryOf)).toEqual([directory]);
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
        expect(`${recordedDirectoryOf(job as CompileJob)}/${nameOf(payload)}`).toBe(payload);
      }),
    );
  });
});
