import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { contentsOf, plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import {
  addedBy,
  changesSince,
  expectCompiled,
  expectHealthy,
  healthyAdds,
  healthyText,
  library,
  plantBesideHealthy,
  quietBuild,
} from './helpers/healthy.ts';

const unchanged = { added: [], changed: [], gone: [] };
const hint = '    hint: install the interpreter, name one with --python, or exclude its directory with --exclude\n';

test('a directory of a Python that is not installed: the interpreter is reported, and nothing is touched', async () => {
  const buildroot = plantBesideHealthy({ '/usr/lib/python3.99/site-packages/m.py': healthyText });
  const before = contentsOf(buildroot);
  // A date that would show if a stage had started.
  const ran = await pyclink(quietBuild(buildroot), { env: { SOURCE_DATE_EPOCH: '1500000000' } });
  expect(ran).toEqual({ status: 2, stdout: '', stderr: `pyclink: error: no working python3.99\n${hint}` });
  expect(changesSince(before, buildroot)).toEqual(unchanged);
  const without = await pyclink(quietBuild(buildroot, '--exclude', '/usr/lib/python3.99'));
  expect(without).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(changesSince(before, buildroot)).toEqual({ ...unchanged, added: healthyAdds });
  await expectHealthy(buildroot);
});

test('all missing interpreters are reported at once', async () => {
  const buildroot = plantBesideHealthy({
    '/usr/lib/python3.98/m.py': healthyText,
    '/usr/lib/python3.99/m.py': healthyText,
    '/usr/lib64/pypy3.99/m.py': healthyText,
    '/opt/venv/lib/python3.97t/m.py': healthyText,
  });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot));
  const missing = ['python3.97t', 'python3.98', 'python3.99', 'pypy3.99'].map((name) => `no working ${name}`);
  expect(ran).toEqual({ status: 2, stdout: '', stderr: `pyclink: error: ${missing.join('; ')}\n${hint}` });
  expect(changesSince(before, buildroot)).toEqual(unchanged);
  expect((await pyclink(quietBuild(buildroot, library))).status).toBe(0);
  await expectHealthy(buildroot);
});

test('no interpreter at all: an empty PATH and a missing command', async () => {
  const buildroot = plantBesideHealthy({});
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot, '--python', 'python-of-nobody'), { env: { PATH: '' } });
  expect(ran).toEqual({ status: 2, stdout: '', stderr: `pyclink: error: no working python-of-nobody\n${hint}` });
  expect(changesSince(before, buildroot)).toEqual(unchanged);
  // The system's own directory is looked at before PATH.
  expect((await pyclink(quietBuild(buildroot), { env: { PATH: '' } })).status).toBe(0);
  await expectHealthy(buildroot);
});

/** A program of this name, in a directory of its own, for PATH. */
function plantProgram(name: string, script: string): { readonly program: string; readonly searchPath: string } {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { program: join(directory, name), searchPath: `${directory}:/usr/bin:/bin` };
}

test.each([
  [
    'a shim that exits 127',
    'echo "pyenv: python3.77: command not found" >&2; exit 127',
    'does not start (exit status 127: pyenv: python3.77: command not found)',
  ],
  ['a program that says nothing', 'exit 0', 'does not start (exit status 0)'],
  ['a program that says something else', 'echo hello', undefined],
  ['another version', `exec ${systemPython.executable} "$@"`, `is Python ${systemPython.version}`],
])('%s under the name of the interpreter is refused', async (_, script, reason) => {
  const { program, searchPath } = plantProgram('python3.77', script);
  const buildroot = plantBesideHealthy({ '/usr/lib/python3.77/m.py': healthyText });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot), { env: { PATH: searchPath } });
  const [first = '', ...rest] = ran.stderr.split(/(?<=\n)/);
  if (reason === undefined) expect(first).toContain(`pyclink: error: no working python3.77: ${program} `);
  else expect(first).toBe(`pyclink: error: no working python3.77: ${program} ${reason}\n`);
  expect(rest).toEqual([hint]);
  expect(ran.stdout).toBe('');
  expect(ran.status).toBe(2);
  expect(changesSince(before, buildroot)).toEqual(unchanged);
  expect((await pyclink(quietBuild(buildroot, library), { env: { PATH: searchPath } })).status).toBe(0);
  await expectHealthy(buildroot);
});

test.each(['fail', 'warn'])(
  'an interpreter that is killed while it starts ends the build, with --errors %s',
  async (errors) => {
    const { program, searchPath } = plantProgram('python3.77', 'kill -9 $$');
    const buildroot = plantBesideHealthy({ '/usr/lib/python3.77/m.py': healthyText });
    const before = contentsOf(buildroot);
    const ran = await pyclink(quietBuild(buildroot, '--errors', errors), { env: { PATH: searchPath } });
    const stderr = `pyclink: error: ${program}: the interpreter cannot be started (SIGKILL)\n`;
    expect(ran).toEqual({ status: 3, stdout: '', stderr });
    expect(changesSince(before, buildroot)).toEqual(unchanged);
  },
);

test('a broken shim before the system directory on PATH is not used', async () => {
  const name = `python${systemPython.minor}`;
  const { searchPath, program } = plantProgram(name, `touch "$0.asked"; exit 127`);
  const buildroot = plantBesideHealthy({});
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot), { env: { PATH: searchPath } });
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(contentsOf(join(program, '..'))).not.toHaveProperty(`${name}.asked`);
  expect(changesSince(before, buildroot)).toEqual({ ...unchanged, added: healthyAdds });
  await expectHealthy(buildroot);
});

const stagedHint = '    hint: the buildroot contains one: --chroot runs it there\n';

test('an interpreter inside the buildroot is never run', async () => {
  const buildroot = plantBesideHealthy({ '/usr/lib/python3.77/m.py': healthyText });
  const script = `#!/bin/sh\ntouch ${buildroot}/asked\nexec ${systemPython.executable} "$@"\n`;
  plant(buildroot, { '/usr/bin/python3.77': { content: script, mode: 0o755 } });
  const before = contentsOf(buildroot);
  const env = { PATH: `${buildroot}/usr/bin:/usr/bin:/bin` };
  const ran = await pyclink(quietBuild(buildroot), { env });
  expect(ran).toEqual({ status: 2, stdout: '', stderr: `pyclink: error: no working python3.77\n${stagedHint}` });
  expect(changesSince(before, buildroot)).toEqual(unchanged);
  expect((await pyclink(quietBuild(buildroot, library), { env })).status).toBe(0);
  await expectHealthy(buildroot);
});

test('the directory of a Python 2 is skipped and reported', async () => {
  const source = '/usr/lib/python2.7/dist-packages/two.py';
  const buildroot = plantBesideHealthy({ [source]: 'print "two"\n' });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot));
  const stderr = `pyclink: warning: ${source}: belongs to Python 2, whose bytecode is not supported\n`;
  expect(ran).toEqual({ status: 0, stdout: '', stderr });
  expect(changesSince(before, buildroot)).toEqual({ ...unchanged, added: healthyAdds });
  await expectHealthy(buildroot);
});

test('an interpreter named for the directory of another release compiles, and a warning names both', async () => {
  const foreign = '/usr/lib/python3.99';
  const buildroot = plantBesideHealthy({ [`${foreign}/m.py`]: healthyText, '/opt/app/m.py': healthyText });
  const { executable, version } = systemPython;
  const ran = await pyclink(quietBuild(buildroot, '--python', executable, foreign, '/opt', library));
  const compiled = `compiled by ${executable} (Python ${version})`;
  expect(ran).toEqual({
    status: 0,
    stdout: '',
    stderr: `pyclink: warning: ${foreign}: ${compiled}, but used by python3.99, which cannot load these pycs\n`,
  });
  for (const source of [`${foreign}/m.py`, '/opt/app/m.py']) await expectCompiled(buildroot, source);
  await expectHealthy(buildroot);
});

test('an interpreter named by a symlink with spaces compiles', async () => {
  const directory = temporaryDirectory();
  const link = join(directory, 'my python');
  await execa('ln', ['-s', systemPython.executable, link]);
  const odd = '/opt/odd/m.py';
  const buildroot = plantBesideHealthy({ [odd]: healthyText });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot, '--python', link, '/opt', library));
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  const added = [...addedBy(odd), ...healthyAdds].sort();
  expect(changesSince(before, buildroot)).toEqual({ ...unchanged, added });
  await expectCompiled(buildroot, odd);
  await expectHealthy(buildroot);
});
