import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { contentsOf } from '../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';
import { changesSince, expectHealthy, library, plantBesideHealthy, quietBuild } from './helpers/healthy.ts';

const source = `${library}/kernel/healthy.py`;
const seeBuildHelp = '    hint: see pyclink build --help\n';
const pathHint = (buildroot: string) =>
  `    hint: a PATH is as installed (/usr/lib/…), or starts with the buildroot ${buildroot}\n`;
const insideHint = '    hint: write it outside, for example below RPM_BUILD_DIR\n';

interface BadCall {
  readonly args: (buildroot: string) => string[];
  readonly complaint: (buildroot: string) => string;
}

const badCalls: readonly (readonly [string, BadCall])[] = [
  [
    '--strip that is no prefix',
    {
      args: () => ['--strip', '/elsewhere'],
      complaint: (buildroot) =>
        `--strip: /elsewhere is not a parent directory of ${buildroot}${source}\n` +
        '    hint: without --strip, pyclink strips the buildroot\n',
    },
  ],
  [
    '--strip that is a prefix of the text, not of the path',
    {
      args: (buildroot) => ['--strip', buildroot.slice(0, -1)],
      complaint: (buildroot) =>
        `--strip: ${buildroot.slice(0, -1)} is not a parent directory of ${buildroot}${source}\n` +
        '    hint: without --strip, pyclink strips the buildroot\n',
    },
  ],
  [
    '--strip that is empty',
    { args: () => ['--strip', ''], complaint: () => `--strip: takes a directory\n${seeBuildHelp}` },
  ],
  [
    '--manifest inside the buildroot',
    {
      args: (buildroot) => ['--manifest', `${buildroot}/usr/manifest.json`],
      complaint: (buildroot) =>
        `${buildroot}/usr/manifest.json: is inside the buildroot and would be packaged\n${insideHint}`,
    },
  ],
  [
    '--manifest inside the buildroot over a symlink',
    {
      args: (buildroot) => ['--manifest', `${dirname(buildroot)}/link/usr/manifest.json`],
      complaint: (buildroot) =>
        `${dirname(buildroot)}/link/usr/manifest.json: is inside the buildroot and would be packaged\n${insideHint}`,
    },
  ],
  [
    '--filelist inside the buildroot',
    {
      args: (buildroot) => ['--filelist', `${buildroot}/files`],
      complaint: (buildroot) => `${buildroot}/files: is inside the buildroot and would be packaged\n${insideHint}`,
    },
  ],
  [
    '--manifest in a directory that is not there',
    {
      args: (buildroot) => ['--manifest', `${buildroot}-none/m.json`],
      complaint: (buildroot) => `${buildroot}-none/m.json: its directory cannot be used (ENOENT)\n`,
    },
  ],
  [
    '--manifest that is a directory',
    {
      args: (buildroot) => ['--manifest', `${dirname(buildroot)}/directory`],
      complaint: (buildroot) => `${dirname(buildroot)}/directory: is not a regular file\n`,
    },
  ],
  [
    '--manifest that is a fifo, which is not opened',
    {
      args: (buildroot) => ['--append', '--manifest', `${dirname(buildroot)}/fifo`],
      complaint: (buildroot) => `${dirname(buildroot)}/fifo: is not a regular file\n`,
    },
  ],
  ['--append alone', { args: () => ['--append'], complaint: () => `--append: needs --manifest\n${seeBuildHelp}` }],
  [
    'a relative PATH, outside the buildroot',
    {
      args: () => ['usr/lib'],
      complaint: (buildroot) => `usr/lib: not in the buildroot\n${pathHint(buildroot)}`,
    },
  ],
  [
    'a PATH that is missing',
    {
      args: () => [library, '/usr/share/none'],
      complaint: (buildroot) => `/usr/share/none: not in the buildroot\n${pathHint(buildroot)}`,
    },
  ],
  [
    'a PATH that points outside the buildroot with ..',
    {
      args: (buildroot) => [`${buildroot}/../directory`],
      complaint: (buildroot) => `${buildroot}/../directory: not in the buildroot\n${pathHint(buildroot)}`,
    },
  ],
  [
    'a PATH that points outside the buildroot through a symlink',
    {
      args: () => [`${library}/out/m.py`],
      complaint: (buildroot) => `${library}/out/m.py: points outside the buildroot\n${pathHint(buildroot)}`,
    },
  ],
  [
    'several bad PATHs: each is named',
    {
      args: () => ['a b', library, '', '/none'],
      complaint: (buildroot) =>
        `a b: not in the buildroot; : a PATH must not be empty; /none: not in the buildroot\n${pathHint(buildroot)}`,
    },
  ],
  [
    'several bad values: each is named',
    {
      args: () => ['-o', '3', '-j', 'many', '--errors', 'ignore', '--invalidation-mode', 'none'],
      complaint: () =>
        '--optimize: takes 0, 1 or 2; --invalidation-mode: takes timestamp, checked-hash, unchecked-hash; ' +
        `--errors: takes fail or warn; --jobs: takes a number of jobs\n${seeBuildHelp}`,
    },
  ],
  [
    'levels that commas should join',
    {
      args: () => ['-o', '0', '1', '2'],
      complaint: () => `1: read as a PATH; write several levels as -o 0,1,2 or -o 0 -o 1 -o 2\n${seeBuildHelp}`,
    },
  ],
  [
    '--mtime-policy clamp without a date',
    {
      args: () => ['--mtime-policy', 'clamp'],
      complaint: () => `--mtime-policy: clamp needs --mtime or SOURCE_DATE_EPOCH\n${seeBuildHelp}`,
    },
  ],
  [
    'an option that does not exist',
    { args: () => ['--frobnicate'], complaint: () => `unknown option '--frobnicate'\n${seeBuildHelp}` },
  ],
];

test.each(badCalls)('%s: exit status 2, and nothing is touched', async (_, { args, complaint }) => {
  const buildroot = plantBesideHealthy({ [`${library}/out`]: { symlink: '../../../../directory' } });
  const around = dirname(buildroot);
  mkdirSync(join(around, 'directory'));
  symlinkSync('buildroot', join(around, 'link'));
  await execa('mkfifo', [join(around, 'fifo')]);
  const before = contentsOf(around);
  const ran = await pyclink(quietBuild(buildroot, ...args(buildroot)));
  expect(ran).toEqual({ status: 2, stdout: '', stderr: `pyclink: error: ${complaint(buildroot)}` });
  expect(changesSince(before, around)).toEqual({ added: [], changed: [], gone: [] });
  // It was the call: the same buildroot is good.
  expect((await pyclink(quietBuild(buildroot, library))).status).toBe(0);
  await expectHealthy(buildroot);
});

test.each(['', '2>&1'])('a closed pipe does not stop the work (%s)', async (streams) => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${library}/m${i}.py`, 'def f(:\n']));
  const buildroot = plantBesideHealthy(many);
  const script = `set -o pipefail; "$@" ${streams} | head -n 1`;
  const call = [process.execPath, bundle, 'build', '--json', '--buildroot', buildroot];
  const ran = await execa('bash', ['-c', script, 'bash', ...call], { reject: false });
  expect(ran.exitCode).toBe(1);
  expect(ran.stderr).not.toMatch(/EPIPE|^ {4}at /m);
  await expectHealthy(buildroot);
});

test.skipIf(process.getuid?.() !== 0)('a PATH that may not be searched is named: exit status 2', async () => {
  const buildroot = plantBesideHealthy({ '/opt/closed/in/a.py': 'x = 1\n' });
  chmodSync(dirname(buildroot), 0o755);
  chmodSync(join(buildroot, 'opt/closed'), 0o700);
  for (const command of ['build', 'link', 'restamp --mtime 1']) {
    const words = [...command.split(' '), '--buildroot', buildroot, '/opt/closed/in'];
    expect(await pyclink(words, { uid: 65534 })).toEqual({
      status: 2,
      stdout: '',
      stderr: `pyclink: error: /opt/closed/in: cannot be opened (EACCES)\n${pathHint(buildroot)}`,
    });
  }
});
