import { describe, expect, it } from 'vitest';
import { version } from '../../src/version.ts';
import { contentsOf, plantBuildroot } from '../helpers/buildroot.ts';
import { call } from '../helpers/call.ts';

describe('main', () => {
  it('writes the version', async () => {
    expect(await call(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('lists every subcommand in its help', async () => {
    const { status, stdout } = await call(['--help']);
    expect(status).toBe(0);
    for (const name of ['build', 'link', 'relink', 'verify', 'inspect', 'brp', 'dh']) {
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    }
  });

  it('writes the help to standard error if there is no subcommand, and returns 2', async () => {
    const { stdout: help } = await call(['--help']);
    expect(await call([])).toEqual({ status: 2, stdout: '', stderr: help });
  });

  it.each(['build', 'verify'])('has the same help for help %s as for the subcommand', async (name) => {
    const asked = await call([name, '--help']);
    expect(asked.stdout).toContain('--json');
    expect(await call(['help', name])).toEqual(asked);
  });

  it('accepts the common options before the subcommand', async () => {
    const buildroot = plantBuildroot({ '/opt/app/a.py': 'x = 1\n' });
    const { status, stdout, stderr } = await call(
      ['--json', '-q', 'build', '--buildroot', buildroot, '-o', '0,2', '/opt/app'],
      { PATH: '/usr/bin' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ levels: [0, 2], pycs: 2 });
  });

  it('reports an unknown log format', async () => {
    const { stderr } = await call(['build', '--buildroot', '/nowhere'], { PYCLINK_LOG_FORMAT: 'yaml' });
    expect(stderr).toContain('pyclink: warning: PYCLINK_LOG_FORMAT: takes json or lines, not yaml\n');
  });

  it('builds, and reports on standard output', async () => {
    const buildroot = plantBuildroot({ '/opt/app/a.py': 'x = 1\n' });
    const { status, stdout, stderr } = await call(['build', '/opt/app', '-q', '--json'], {
      RPM_BUILD_ROOT: buildroot,
      PATH: '/usr/bin',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ sources: 1, pycs: 3, links: 2 });
    expect(Object.keys(contentsOf(buildroot)).filter((path) => path.endsWith('.pyc'))).toHaveLength(3);
  });

  it.each([
    ['restamp', '--mtime', 'x'],
    ['link', '-p', 'x'],
    ['link', '--append'],
    ['relink', '--manifest', 'm', '-p', 'x'],
    ['verify', '--manifest', 'm', '--max-size', 'x', '/'],
    ['audit', '-p', 'x', '/'],
    ['audit', '--recompile', '-j', 'x', '/'],
    ['diff', '--platform', 'x', '/', '/'],
  ])('leads to the help of the subcommand: %s %s %s', async (subcommand, ...words) => {
    const { status, stderr } = await call([subcommand, ...words]);
    expect(status).toBe(2);
    expect(stderr).toMatch(new RegExp(`: (?:takes|needs) .*\\n    hint: see pyclink ${subcommand} --help\\n$`));
  });

  it.each<[string, string[], string]>([
    ['an unknown option', ['build', '--bad'], "unknown option '--bad'"],
    ['no buildroot', ['build'], 'no buildroot'],
    ['a missing argument', ['verify', '--manifest', 'm'], "missing required argument 'TARGET'"],
    [
      'a value that is no level',
      ['build', '-o', '0,3'],
      '--optimize: takes 0, 1 or 2\n    hint: see pyclink build --help',
    ],
    [
      'an option of another subcommand',
      ['link', '--frob'],
      "unknown option '--frob'\n    hint: see pyclink link --help",
    ],
    ['an argument with bytes that are not UTF-8', ['audit', '/caf\ufffd'], '/caf\ufffd: an argument must be UTF-8'],
    ['a step that brp does not have', ['brp', 'bad'], 'brp bad: no such step'],
    ['no step', ['brp'], 'brp: no step given'],
  ])('returns 2 for %s', async (_name, argv, message) => {
    const { status, stdout, stderr } = await call(argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`pyclink: error: ${message}`);
  });

  it.each([
    ['build'],
    ['link'],
    ['relink', '--manifest', 'm'],
    ['restamp', '--mtime', '0'],
    ['brp', 'bytecompile'],
    ['brp', 'hardlink'],
  ])('refuses a buildroot in the environment that is not UTF-8: %s %s', async (...argv) => {
    const { status, stdout, stderr } = await call(argv, { RPM_BUILD_ROOT: '/caf\ufffd' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^pyclink: error: RPM_BUILD_ROOT: must be UTF-8\n/);
  });

  it('does not read option-like words of rpm macros as options', async () => {
    const { status, stderr } = await call(['brp', 'py-byte-compile', '-q', '--', '--version', '--help'], {
      RPM_BUILD_ROOT: plantBuildroot({}),
      PATH: '/usr/bin',
    });
    expect(status).toBe(2);
    expect(stderr).toContain('%py_byte_compile takes an interpreter without flags, not "--version"');
  });

  it('does nothing without a buildroot when an rpm macro calls it', async () => {
    expect(await call(['brp', 'bytecompile'])).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});
