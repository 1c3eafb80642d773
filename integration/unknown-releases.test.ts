import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkGroupsIn, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { itOnEachPython } from '../test/helpers/each-python.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { allPypys, missingPypys, systemPython } from '../test/helpers/pythons.ts';

const magicNumber = 3999;
const sources = {
  '/opt/app/same.py': 'x = 1\n',
  '/opt/app/asserts.py': 'x = 1\nassert x\n',
  '/opt/app/doc.py': '"""Text."""\n',
};

/** The system Python, but for its magic number, which is that of no release. */
function futurePython(): string {
  const script = [
    'import importlib._bootstrap_external as external, importlib.util, os, runpy, sys',
    `magic = (${magicNumber}).to_bytes(2, "little") + b"\\r\\n"`,
    'external.MAGIC_NUMBER = importlib.util.MAGIC_NUMBER = magic',
    'sys.argv = sys.argv[1:]',
    'sys.path.insert(0, os.path.dirname(sys.argv[0]))',
    'runpy.run_path(sys.argv[0], run_name="__main__")',
  ].join('; ');
  const executable = join(temporaryDirectory(), 'future-python');
  const call = `exec ${systemPython.executable} -s -S -B -c '${script}' "$4"`;
  writeFileSync(executable, `#!/bin/sh\n${call}\n`, { mode: 0o755 });
  return executable;
}

const pyc = (name: string, level: number) =>
  `opt/app/__pycache__/${name}.${systemPython.cacheTag}${level === 0 ? '' : `.opt-${level}`}.pyc`;
const groups = [
  [pyc('asserts', 0)],
  [pyc('asserts', 1), pyc('asserts', 2)],
  [pyc('doc', 0), pyc('doc', 1)].sort(),
  [pyc('doc', 2)],
  [pyc('same', 0), pyc('same', 1), pyc('same', 2)].sort(),
].sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1));

describe('a CPython that pyclink does not know', () => {
  it('is reported once, and its pycs are compiled, linked and verified, but not normalized', async () => {
    const python = futurePython();
    const buildroot = plantBuildroot(sources);
    const manifest = join(buildroot, '../m.json');
    const args = ['build', '--buildroot', buildroot, '--python', python, '--manifest', manifest, '-v', '/opt/app'];
    const ran = await pyclink(args);
    expect(ran.status).toBe(0);
    const said = `pyclink: warning: ${python} (cpython ${systemPython.version}): unknown magic number ${magicNumber}, so its pycs are not normalized\n`;
    expect(ran.stderr.split(/(?<=\n)/).filter((line) => line.includes('not normalized'))).toEqual([said]);
    expect(ran.stderr).not.toContain('as the interpreter wrote them');
    expect(linkGroupsIn(buildroot)).toEqual(groups);
    expect(await pyclink(['verify', '--manifest', manifest, buildroot])).toMatchObject({ status: 0 });

    const linked = await pyclink(['link', '--buildroot', buildroot, '--normalize']);
    expect(linked.stderr).toBe(
      `pyclink: warning: 9 pycs: unknown magic number ${magicNumber}, so they are not normalized\n`,
    );
    expect(linkGroupsIn(buildroot)).toEqual(groups);
  });

  it('is compiled again with --keep-current', async () => {
    const python = futurePython();
    const buildroot = plantBuildroot(sources);
    const args = ['build', '--buildroot', buildroot, '--python', python, '--json', '/opt/app'];
    await pyclink(args);
    const again = await pyclink([...args, '--keep-current']);
    expect(JSON.parse(again.stdout)).toMatchObject({ current: 0, pycs: 9 });
  });
});

itOnEachPython(
  'says once, without a warning, that the pycs of $name are not normalized',
  async ({ executable }) => {
    const buildroot = plantBuildroot(sources);
    const args = ['build', '--buildroot', buildroot, '--python', executable, '/opt/app'];
    const { status, stderr } = await pyclink(args);
    expect(status).toBe(0);
    expect(stderr.split('\n').filter((line) => line.includes('not normalized'))).toHaveLength(1);
    expect(stderr).not.toContain('warning');
  },
  { pythons: allPypys, missing: missingPypys },
);
