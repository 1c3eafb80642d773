import { chmodSync, chownSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { contentsOf, everythingIn, type Planted, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { bundle, pyclink, type RunOptions } from '../test/helpers/pyclink.ts';
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
  pycsOf,
  quietBuild,
  readPycs,
} from './helpers/healthy.ts';

const bad = `${library}/bad.py`;

test.each([
  ['an unparsable source', 'def f(:\n    pass\n'],
  ['null bytes', 'a = 1\0\n'],
  ['a bad coding cookie', '# coding: no-such-codec\na = 1\n'],
  ['bytes that are not UTF-8', Buffer.from('a = "\xff"\n', 'latin1')],
  ['a source that ends within a string', 'a = """\n'],
  ['a return outside a function', 'a = 1\nreturn a\n'],
])('%s: the compiler is quoted, exit status 1, the rest is compiled', async (_, text) => {
  const buildroot = plantBesideHealthy({ [bad]: text });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot));
  const compilerSays = await quotedCompiler(text);
  expect(ran.stderr).toBe(`pyclink: error: ${bad}: does not compile\n${compilerSays}`);
  expect(ran.stdout).toContain('\npyclink: 1 problem, see above\n');
  expect(ran.status).toBe(1);
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, changed: [], gone: [] });
  await expectHealthy(buildroot);
});

test('only the unparsable source of many is lost, with several workers', async () => {
  const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`${library}/many/m${i}.py`, healthyText]));
  const buildroot = plantBesideHealthy({ ...many, [`${library}/many/m5.py`]: 'def f(:\n' });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot, '-j', '4'));
  const sound = Object.keys(many).filter((path) => !path.endsWith('/m5.py'));
  expect(ran.stderr.split('\n')[0]).toBe(`pyclink: error: ${library}/many/m5.py: does not compile`);
  expect(ran.stderr.match(/^pyclink: /gm)).toHaveLength(1);
  expect(ran.status).toBe(1);
  expect(changesSince(before, buildroot).added).toEqual([...healthyAdds, ...addedBy(...sound)].sort());
  await expectHealthy(buildroot);
});

test('an unreadable file', async () => {
  const buildroot = plantBesideHealthy({ [bad]: { content: healthyText, mode: 0 } });
  const options = asOrdinaryUser(buildroot);
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot), options);
  expect(ran.stderr).toBe(
    `pyclink: error: ${bad}: cannot be read\n    PermissionError: [Errno 13] Permission denied: '${bad}'\n`,
  );
  expect(ran.stdout).toContain('\npyclink: 1 problem, see above\n');
  expect(ran.status).toBe(1);
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, changed: [], gone: [] });
  await expectHealthy(buildroot);
});

test('an unreadable directory', async () => {
  const closed = `${library}/closed`;
  const buildroot = plantBesideHealthy({ [`${closed}/lost.py`]: healthyText });
  const options = asOrdinaryUser(buildroot);
  const before = contentsOf(buildroot);
  chmodSync(join(buildroot, closed), 0);
  const ran = await pyclink(quietBuild(buildroot), options);
  chmodSync(join(buildroot, closed), 0o755);
  expect(ran.stderr).toBe(`pyclink: error: ${closed}: the directory cannot be listed\n    EACCES: permission denied\n`);
  expect(ran.stdout).toContain('\npyclink: 1 problem, see above\n');
  expect(ran.status).toBe(1);
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, changed: [], gone: [] });
  await expectHealthy(buildroot);
});

test('an empty file is compiled like any other', async () => {
  const empty = `${library}/empty.py`;
  const buildroot = plantBesideHealthy({ [empty]: { content: '', mtime: 1_600_000_000 } });
  const before = contentsOf(buildroot);
  expect(await pyclink(quietBuild(buildroot))).toEqual({ status: 0, stdout: '', stderr: '' });
  const added = [...healthyAdds, ...addedBy(empty)].sort();
  expect(changesSince(before, buildroot)).toEqual({ added, changed: [], gone: [] });
  const pyc = { magic: true, flags: 0, mtimeSeconds: 1_600_000_000, sizeBytes: 0, fileNames: [empty], answer: null };
  expect(await readPycs(buildroot, empty)).toEqual([pyc, pyc, pyc]);
  const bytes = pycsOf(empty).map((path) => readFileSync(join(buildroot, path)).toString('hex'));
  expect(new Set(bytes).size).toBe(1);
  await expectHealthy(buildroot);
});

test('files in a directory called x.py are compiled', async () => {
  const inside = `${library}/x.py/inside.py`;
  const buildroot = plantBesideHealthy({ [inside]: healthyText, [`${library}/void.py`]: { directory: true } });
  const before = contentsOf(buildroot);
  expect(await pyclink(quietBuild(buildroot))).toEqual({ status: 0, stdout: '', stderr: '' });
  const added = [...healthyAdds, ...addedBy(inside)].sort();
  expect(changesSince(before, buildroot)).toEqual({ added, changed: [], gone: [] });
  await expectCompiled(buildroot, inside);
  await expectHealthy(buildroot);
});

test('a fifo is reported and not opened', async () => {
  const buildroot = plantBesideHealthy({});
  await execa('mkfifo', [join(buildroot, bad)]);
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot));
  expect(ran).toEqual({ status: 0, stdout: '', stderr: `pyclink: warning: ${bad}: not a regular file\n` });
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, changed: [], gone: [] });
  await expectHealthy(buildroot);
});

const takenBy: readonly (readonly [string, Planted | 'fifo', string])[] = [
  ['a directory', { directory: true }, 'a directory'],
  ['a fifo', 'fifo', 'a fifo, a socket or a device'],
];
const ways: readonly (readonly [string, readonly string[]])[] = [
  ['compiled', []],
  ['taken from a cache', ['--cache-dir', 'CACHE']],
  ['kept', ['--keep-current']],
];

test.each(
  takenBy.flatMap(([name, planted, said]) => ways.map(([way, flags]) => [name, way, planted, said, flags] as const)),
)('a pyc path that is %s stays, and the other levels are written: %s', async (_name, way, planted, said, given) => {
  const source = `${library}/taken.py`;
  const [level0 = '', level1 = '', level2 = ''] = pycsOf(source);
  const cache = dirname(level2);
  const buildroot = plantBesideHealthy({
    [source]: healthyText,
    ...(planted === 'fifo' ? { [cache]: { directory: true } } : { [level2]: planted }),
  });
  if (planted === 'fifo') await execa('mkfifo', [join(buildroot, level2)]);
  const cacheDirectory = join(buildroot, '../cache');
  const flags = given.map((flag) => flag.replace('CACHE', cacheDirectory));
  if (way === 'taken from a cache') {
    const other = plantBesideHealthy({ [source]: healthyText });
    expect(await pyclink(quietBuild(other, ...flags))).toMatchObject({ status: 0 });
  }
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot, ...flags));
  expect(ran.stderr).toBe(
    `pyclink: error: ${level2}: pyc not written: its path exists and is not a regular file\n    ${said}\n`,
  );
  if (way === 'taken from a cache')
    expect(ran.stdout).toContain('cache: 2 of 2 found in the local cache, 0 compiled\n');
  expect(ran.stdout).toContain('\npyclink: 1 problem, see above\n');
  expect(ran.status).toBe(1);
  const added = [...healthyAdds, level0.slice(1), level1.slice(1)].sort();
  expect(changesSince(before, buildroot)).toEqual({ added, changed: [], gone: [] });
  expect(everythingIn(join(buildroot, cache))).toHaveLength(3);
  await expectHealthy(buildroot);
});

/** What the system Python's own py_compile says against a source, as pyclink shows it. */
async function quotedCompiler(text: string | Buffer): Promise<string> {
  const file = join(temporaryDirectory(), 'bad.py');
  writeFileSync(file, text);
  const script =
    'import py_compile, sys\n' +
    'try: py_compile.compile(sys.argv[1], sys.argv[1] + "c", sys.argv[2], True)\n' +
    'except py_compile.PyCompileError as error: print(error.msg)';
  const env = { LC_ALL: 'C.UTF-8', PYTHONIOENCODING: 'utf-8:backslashreplace' };
  const { stdout } = await execa(systemPython.executable, ['-B', '-c', script, file, bad], { env });
  expect(stdout.trim()).not.toBe('');
  const lines = stdout.trim().split('\n');
  return lines.map((line) => `    ${line}\n`).join('');
}

/** Root reads everything: runs a copy of the bundle, in a buildroot of its own, as nobody. */
function asOrdinaryUser(buildroot: string): RunOptions {
  if (process.getuid?.() !== 0) return {};
  const uid = 65534;
  const copy = temporaryDirectory();
  cpSync(dirname(bundle), copy, { recursive: true });
  for (const directory of [copy, dirname(buildroot)]) chmodSync(directory, 0o755);
  for (const path of ['.', ...everythingIn(buildroot)]) chownSync(join(buildroot, path), uid, uid);
  return { uid, bundle: join(copy, 'pyclink.cjs') };
}
