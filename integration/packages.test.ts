/** What `npm run packages` refuses. That what it makes is the same each time, npm-pack, rpm-package and debian-package test. */
import { cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../test/helpers/buildroot.ts';

const checkout = join(import.meta.dirname, '..');

it('a machine without rpmbuild', async () => {
  const bin = temporaryDirectory();
  for (const tool of ['node', 'dpkg-buildpackage', 'dh']) {
    const { stdout } = await execa('bash', ['-c', `command -v ${tool}`]);
    symlinkSync(stdout, join(bin, tool));
  }
  const call = [join(checkout, 'node_modules/tsx/dist/cli.mjs'), 'integration/packages.ts', join(bin, 'packages')];
  const options = { cwd: checkout, env: { PATH: bin }, extendEnv: false, reject: false };
  const { exitCode, stderr } = await execa(process.execPath, call, options);
  expect(stderr).toBe(
    'rpmbuild is missing: apt install rpm dpkg-dev debhelper, or make the npm tarball alone: npm pack',
  );
  expect([exitCode, existsSync(join(bin, 'packages'))]).toEqual([2, false]);
});

it('a release that nobody could be asked about', async () => {
  const copy = join(temporaryDirectory(), 'pyclink');
  const leftOut = ['.git', 'dist', 'node_modules'].map((name) => join(checkout, name));
  cpSync(checkout, copy, { recursive: true, filter: (path) => !leftOut.includes(path) });
  symlinkSync(join(checkout, 'node_modules'), join(copy, 'node_modules'));
  const manifest = JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8'));
  writeFileSync(join(copy, 'package.json'), JSON.stringify({ ...manifest, version: '9.9.9' }));
  const { exitCode, stdout, stderr } = await execa('npm', ['run', '--silent', 'packages'], {
    cwd: copy,
    reject: false,
  });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(/^9\.9\.9 cannot be released \(see docs\/release\.md\):\n(docs|CHANGELOG)/);
  expect(existsSync(join(copy, 'packages'))).toBe(false);
});
