/** What a person at a terminal sees. script(1) gives the program one. */
import { dirname, relative } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, test } from 'vitest';
import { everythingIn, plantBuildroot } from '../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';

const library = '/usr/lib/python3/dist-packages';

/** All that a build with a bad source writes to a terminal. */
async function onTerminal(env: Readonly<Record<string, string>>, columns = 80): Promise<string> {
  const buildroot = plantBuildroot({ [`${library}/good.py`]: 'x = 1\n', [`${library}/bad.py`]: 'def f(:\n' });
  const call = `stty cols ${columns}; '${process.execPath}' '${bundle}' build --buildroot '${buildroot}'`;
  const { stdout } = await execa('script', ['-qec', call, '/dev/null'], {
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', ...env },
    extendEnv: false,
    reject: false,
  });
  return stdout;
}

const esc = String.fromCharCode(27);
const red = `${esc}[31merror:${esc}[39m`;

describe('on a terminal', () => {
  it('errors are red, and a bar shows the progress', async () => {
    const shown = await onTerminal({});
    expect(shown).toContain(`pyclink: ${red} ${library}/bad.py`);
    expect(shown).toMatch(/pyclink: \d\/2 sources, .* left =/);
  });

  it('a narrow one shows the count', async () => {
    expect(await onTerminal({}, 30)).toMatch(/pyclink: \d\/2 sources/);
  });

  it('NO_COLOR leaves the bar, without colours', async () => {
    const shown = await onTerminal({ NO_COLOR: '1' });
    expect(shown).toContain(`pyclink: error: ${library}/bad.py`);
    expect(shown).toContain('/2 sources');
  });

  it.each([{ CI: '1' }, { TERM: 'dumb' }])('%j: plain lines, and no bar', async (env) => {
    const shown = await onTerminal(env);
    expect(shown).toContain(`pyclink: error: ${library}/bad.py`);
    expect(shown).not.toContain(esc);
    expect(shown).not.toContain('/2 sources');
  });
});

test('relative paths are taken from the current directory', async () => {
  const buildroot = plantBuildroot({ [`${library}/a.py`]: 'x = 1\n', '/opt/acme/b.py': 'x = 2\n' });
  const cwd = dirname(buildroot);
  const name = relative(cwd, buildroot);
  const ran = await pyclink(
    ['build', '-q', '--buildroot', name, '--strip', name, `${name}/opt`, '--html', 'page.html'],
    {
      cwd,
    },
  );
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(
    everythingIn(buildroot)
      .filter((path) => path.endsWith('.pyc'))
      .every((path) => path.startsWith('opt/')),
  ).toBe(true);
  expect(await pyclink(['build', '--buildroot', name, 'opt'], { cwd })).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('opt: not in the buildroot'),
  });
});

test('a written page is logged', async () => {
  const buildroot = plantBuildroot({ [`${library}/a.py`]: 'x = 1\n' });
  const [cwd, page] = [dirname(buildroot), `${buildroot}.html`];
  const built = await pyclink(['build', '--buildroot', buildroot, '--html', page, '--manifest', `${buildroot}.json`]);
  expect(built.stdout).toContain(`pyclink: page ${page}\n`);
  const verified = await pyclink(['verify', '--manifest', `${buildroot}.json`, '--html', page, buildroot], { cwd });
  expect(verified.stderr).toContain(`pyclink: page ${page}\n`);
  const audited = await pyclink(['audit', '--html', page, buildroot], { cwd });
  expect(audited.stderr).toContain(`pyclink: page ${page}\n`);
});
