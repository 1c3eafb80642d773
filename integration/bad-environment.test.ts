import { chmodSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { contentsOf, everythingIn, plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';
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
import { describeWhere, lackingAbilities, missingRoot } from './helpers/tools.ts';

const unchanged = { added: [], changed: [], gone: [] };
const healthyBuilt = { added: healthyAdds, changed: [], gone: [] };
const healthySourceIn = (buildroot: string) => join(buildroot, library, 'kernel/healthy.py');

test('SOURCE_DATE_EPOCH empty is unset: no mtime changes', async () => {
  const buildroot = plantBesideHealthy({ [`${library}/dated.py`]: { content: healthyText, mtime: 1_700_000_000 } });
  const before = contentsOf(buildroot);
  const { mtimeMs } = lstatSync(healthySourceIn(buildroot));
  const ran = await pyclink(quietBuild(buildroot), { env: { SOURCE_DATE_EPOCH: '' } });
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(lstatSync(healthySourceIn(buildroot)).mtimeMs).toBe(mtimeMs);
  expect(lstatSync(join(buildroot, library, 'dated.py')).mtimeMs).toBe(1_700_000_000_000);
  const added = [...healthyAdds, ...addedBy(`${library}/dated.py`)].sort();
  expect(changesSince(before, buildroot)).toEqual({ ...healthyBuilt, added });
  await expectHealthy(buildroot);
});

test('SOURCE_DATE_EPOCH 0 is a date', async () => {
  const buildroot = plantBesideHealthy({});
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot), { env: { SOURCE_DATE_EPOCH: '0' } });
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(lstatSync(healthySourceIn(buildroot)).mtimeMs).toBe(0);
  expect(changesSince(before, buildroot)).toEqual(healthyBuilt);
  await expectHealthy(buildroot);
});

test.each([
  ['negative', '-1'],
  ['not a number', 'yesterday'],
  ['a fraction', '1600000000.5'],
  ['surrounded by spaces', ' 1600000000 '],
  ['in another base', '0x5f5e1000'],
  ['too long', '160000000000'],
])('SOURCE_DATE_EPOCH %s is refused, and nothing is touched', async (_, epoch) => {
  const buildroot = plantBesideHealthy({});
  const before = contentsOf(buildroot);
  const { mtimeMs } = lstatSync(healthySourceIn(buildroot));
  const ran = await pyclink(quietBuild(buildroot), { env: { SOURCE_DATE_EPOCH: epoch } });
  const reason = 'takes seconds since 1970, a whole number of 0 or more';
  expect(ran.stderr).toBe(`pyclink: error: SOURCE_DATE_EPOCH: ${reason}\n    hint: see pyclink build --help\n`);
  expect(ran.stdout).toBe('');
  expect(ran.status).toBe(2);
  expect(lstatSync(healthySourceIn(buildroot)).mtimeMs).toBe(mtimeMs);
  expect(changesSince(before, buildroot)).toEqual(unchanged);
  expect((await pyclink(quietBuild(buildroot))).status).toBe(0);
  await expectHealthy(buildroot);
});

/** A source that the compiler warns about, so that PYTHONWARNINGS would have something to act on. */
const warned = `${library}/warned.py`;
const warnedText = `${healthyText}if 1 is 1:\n    pass\n`;

test('PYTHONWARNINGS=error turns no warning into an error', async () => {
  const buildroot = plantBesideHealthy({ [warned]: warnedText });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot), { env: { PYTHONWARNINGS: 'error' } });
  expect(ran.stderr).toMatch(new RegExp(`^pyclink: warning: ${warned}:4: SyntaxWarning: "is" with .+\n$`));
  expect(ran.stdout).toBe('');
  expect(ran.status).toBe(0);
  const added = [...healthyAdds, ...addedBy(warned)].sort();
  expect(changesSince(before, buildroot)).toEqual({ ...healthyBuilt, added });
  await expectCompiled(buildroot, warned);
  await expectHealthy(buildroot);
});

test('PYTHONPYCACHEPREFIX does not redirect the pycs', async () => {
  const elsewhere = temporaryDirectory();
  const buildroot = plantBesideHealthy({});
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot), { env: { PYTHONPYCACHEPREFIX: elsewhere } });
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(everythingIn(elsewhere)).toEqual([]);
  expect(changesSince(before, buildroot)).toEqual(healthyBuilt);
  await expectHealthy(buildroot);
});

/** Modules that a worker imports, each of which says that it was imported and ends the interpreter. */
function plantTraps(): string {
  const directory = temporaryDirectory();
  for (const name of ['compileall', 'py_compile', 'importlib', 'os', 'io', 'warnings', 'sitecustomize', 'encodings']) {
    writeFileSync(join(directory, `${name}.py`), `open(${JSON.stringify(join(directory, 'sprung'))}, "w")\n1 / 0\n`);
  }
  return directory;
}

test.each<[string, (traps: string) => { env?: Record<string, string>; cwd?: string }]>([
  ['in PYTHONPATH', (traps) => ({ env: { PYTHONPATH: traps } })],
  ['in the current directory', (traps) => ({ cwd: traps })],
  ['in the current directory, which PYTHONPATH names too', (traps) => ({ cwd: traps, env: { PYTHONPATH: ':.' } })],
])('a fake compileall.py %s is not imported', async (_, options) => {
  const traps = plantTraps();
  const trapsBefore = everythingIn(traps);
  const buildroot = plantBesideHealthy({ [`${library}/compileall.py`]: healthyText, '/compileall.py': '1 / 0\n' });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot), options(traps));
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(everythingIn(traps)).toEqual(trapsBefore);
  const added = [...healthyAdds, ...addedBy(`${library}/compileall.py`)].sort();
  expect(changesSince(before, buildroot)).toEqual({ ...healthyBuilt, added });
  await expectHealthy(buildroot);
});

test('modules of the buildroot are not imported, with the buildroot as the current directory', async () => {
  const buildroot = plantBesideHealthy({ '/compileall.py': '1 / 0\n', [`${library}/os.py`]: `${healthyText}1 / 0\n` });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot), { cwd: buildroot });
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  const added = [...healthyAdds, ...addedBy(`${library}/os.py`)].sort();
  expect(changesSince(before, buildroot)).toEqual({ ...healthyBuilt, added });
  await expectHealthy(buildroot);
});

// Of PYTHONNODEBUGRANGES a warning says that it changes nothing: see debug-ranges.test.ts.
test('every other PYTHON variable that changes what an interpreter does', async () => {
  const home = temporaryDirectory();
  mkdirSync(join(home, 'lib'));
  const env = {
    PYTHONHOME: home,
    PYTHONPLATLIBDIR: 'nowhere',
    PYTHONHASHSEED: 'not-a-number',
    PYTHONUTF8: 'not-a-number',
    PYTHONIOENCODING: 'ascii',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONOPTIMIZE: '2',
    PYTHONDEBUG: '1',
    PYTHONVERBOSE: '2',
    PYTHONINSPECT: '1',
    PYTHONPROFILEIMPORTTIME: '1',
    PYTHONDEVMODE: '1',
    PYTHONTRACEMALLOC: 'not-a-number',
  };
  const plain = plantBesideHealthy({});
  const buildroot = plantBesideHealthy({});
  const before = contentsOf(buildroot);
  // Hashes instead of mtimes: the two buildroots were not made in the same second.
  const byHash = ['--invalidation-mode', 'checked-hash'];
  expect(await pyclink(quietBuild(buildroot, ...byHash), { env })).toEqual({ status: 0, stdout: '', stderr: '' });
  await pyclink(quietBuild(plain, ...byHash));
  expect(changesSince(before, buildroot)).toEqual(healthyBuilt);
  expect(contentsOf(buildroot)).toEqual(contentsOf(plain));
  expect(await pyclink(quietBuild(buildroot), { env })).toEqual({ status: 0, stdout: '', stderr: '' });
  await expectHealthy(buildroot);
});

test.each([
  ['the C locale', { LC_ALL: 'C', LANG: 'C' }],
  ['a locale that does not exist', { LC_ALL: 'xx_YY.KOI8-R', LANG: 'xx_YY' }],
])('%s: names and text outside ASCII compile', async (_, env) => {
  const source = `${library}/naïve.py`;
  const buildroot = plantBesideHealthy({ [source]: `${healthyText}name = "Ω"\n` });
  const before = contentsOf(buildroot);
  expect(await pyclink(quietBuild(buildroot), { env })).toEqual({ status: 0, stdout: '', stderr: '' });
  const added = [...healthyAdds, ...addedBy(source)].sort();
  expect(changesSince(before, buildroot)).toEqual({ ...healthyBuilt, added });
  await expectCompiled(buildroot, source);
  await expectHealthy(buildroot);
});

test.each<[string, string[]]>([
  ['a build', ['build']],
  ['an audit as JSON', ['audit', '--json']],
])('%s completes the work and reports a full standard output with status 3', async (_, [command = '', ...flags]) => {
  const buildroot = plantBesideHealthy({});
  const built = () => pyclink(quietBuild(buildroot));
  if (command === 'audit') expect((await built()).status).toBe(0);
  const target = command === 'audit' ? [buildroot] : ['--buildroot', buildroot];
  const ran = await throughShell('exec "$@" > /dev/full', [command, ...flags, ...target]);
  expect(ran.stderr).toMatch(
    /^(pyclink: compiling .*\n)?pyclink: error: standard output cannot be written \(ENOSPC\)$/,
  );
  expect(ran.exitCode).toBe(3);
  await expectHealthy(buildroot);
});

test('a full standard error gives status 3, and the work is done', async () => {
  const buildroot = plantBesideHealthy({});
  const ran = await throughShell('exec "$@" 2> /dev/full', ['build', '--buildroot', buildroot]);
  expect(ran.stdout).toContain('pyclink: 1 source, 3 pycs, 1 link in 1 group\n');
  expect(ran.exitCode).toBe(3);
  await expectHealthy(buildroot);
});

test.each([
  ['standard input', '<&-'],
  ['standard output', '>&-'],
  ['standard error', '2>&-'],
  ['all three', '<&- >&- 2>&-'],
])('a build with %s closed succeeds', async (_, closed) => {
  const buildroot = plantBesideHealthy({});
  expect((await throughShell(`exec "$@" ${closed}`, quietBuild(buildroot))).exitCode).toBe(0);
  await expectHealthy(buildroot);
});

test('a removed current directory is reported, and nothing is touched', async () => {
  const buildroot = plantBesideHealthy({});
  const before = contentsOf(buildroot);
  const ran = await throughShell('mkdir gone && cd gone && rmdir ../gone && exec "$@"', quietBuild(buildroot));
  expect(ran.stderr).toBe('pyclink: error: the current directory cannot be used (ENOENT)');
  expect(ran.exitCode).toBe(2);
  expect(changesSince(before, buildroot)).toEqual(unchanged);
});

test('neither HOME nor TMPDIR is needed', async () => {
  const buildroot = plantBesideHealthy({});
  const call = `unset HOME; TMPDIR=/nonexistent; export TMPDIR; exec "$@"`;
  const restamp = ['restamp', '-q', '--mtime', '1600000000', '--buildroot', buildroot];
  for (const args of [quietBuild(buildroot), restamp]) {
    expect(await throughShell(call, args)).toMatchObject({ exitCode: 0, stderr: '' });
  }
  await expectHealthy(buildroot);
});

test.skipIf(missingRoot().length > 0)('a user without an entry in /etc/passwd may ask for a chroot', async () => {
  const buildroot = plantBesideHealthy({});
  plant(buildroot, { [`/usr/bin/python${systemPython.minor}`]: { content: '#!/bin/sh\n', mode: 0o755 } });
  for (const path of ['..', '.']) chmodSync(join(buildroot, path), 0o755);
  const ran = await pyclink(quietBuild(buildroot, '--chroot'), { uid: 77_777 });
  expect(ran.stderr).toContain(
    `no working python${systemPython.minor}: /usr/bin/python${systemPython.minor} does not start`,
  );
  expect(ran.status).toBe(2);
});

const lacking = missingRoot().length > 0 ? [] : lackingAbilities('mounts');

describeWhere([...missingRoot(), ...lacking], 'a machine with nothing mounted', () => {
  test.each(['/proc', '/dev', '/sys'])('%s is not needed', async (directory) => {
    const buildroot = plantBesideHealthy({});
    const script = `mount -t tmpfs none ${directory} && exec "$@"`;
    for (const command of ['build', 'link', 'restamp']) {
      const flags = command === 'restamp' ? ['--mtime', '1600000000'] : [];
      const call = [command, '-q', ...flags, '--buildroot', buildroot];
      const ran = await throughShell(script, call, ['unshare', '--mount']);
      expect([command, ran.exitCode, ran.stderr]).toEqual([command, 0, '']);
    }
    await expectHealthy(buildroot);
  });
});

/** Runs pyclink from a shell script, as its arguments. @param before what starts the shell */
function throughShell(script: string, args: readonly string[], before: readonly string[] = []) {
  const [command = '', ...words] = [...before, 'sh', '-c', script, 'sh', process.execPath, bundle, ...args];
  return execa(command, words, { cwd: temporaryDirectory(), reject: false });
}
