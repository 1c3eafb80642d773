/** What the compiler says of a source, an error or a warning, is what pyclink says, whatever the release. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { itOnEachPython } from '../test/helpers/each-python.ts';
import { pyclink } from '../test/helpers/pyclink.ts';

itOnEachPython('$name names the error, with file and line', async ({ executable }) => {
  const buildroot = plantBuildroot({ '/opt/app/a.py': 'x = 1\ndef f(:\n', '/opt/app/b.py': '# coding: none\n' });
  const { status, stderr } = await pyclink([
    'build',
    '-q',
    '--buildroot',
    buildroot,
    '--python',
    executable,
    '/opt/app',
  ]);
  expect(status).toBe(1);
  expect(stderr).toContain('pyclink: error: /opt/app/a.py: does not compile\n');
  expect(stderr).toMatch(/File "\/opt\/app\/a\.py", line 2\b/);
  expect(stderr.match(/SyntaxError: /g)).toHaveLength(2);
});

itOnEachPython('$name warns of the same line in two files, also for a wrapper with -W default', async (python) => {
  const files = { '/opt/app/a.py': 'assert (print, 2)\n', '/opt/app/b.py': 'assert (print, 2)\n' };
  const wrapper = join(temporaryDirectory(), 'python');
  writeFileSync(wrapper, `#!/bin/sh\nexec ${python.executable} -W default "$@"\n`, { mode: 0o755 });
  for (const command of [python.executable, wrapper]) {
    const buildroot = plantBuildroot(files);
    // One worker compiles both.
    const call = ['build', '-q', '-j', '1', '--buildroot', buildroot, '--python', command, '/opt/app'];
    const { stderr } = await pyclink(call);
    expect(stderr.match(/^pyclink: warning: [^:]+:1: SyntaxWarning: assertion is always true/gm)).toEqual(
      ['a', 'b'].map((name) => `pyclink: warning: /opt/app/${name}.py:1: SyntaxWarning: assertion is always true`),
    );
  }
});
