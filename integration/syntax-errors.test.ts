/** What is said of a source that does not compile: what the compiler says, whatever its release. */
import { expect } from 'vitest';
import { plantBuildroot } from '../test/helpers/buildroot.ts';
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
