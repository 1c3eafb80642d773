/** What Node.js 18, which Debian 12 has, gives who wants to build pyclink: one clear message. */
import { cpSync, existsSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, expect, it } from 'vitest';
import { temporaryDirectory } from '../test/helpers/buildroot.ts';
import { fetchNode } from './helpers/fetch-node.ts';

const checkout = join(import.meta.dirname, '..');
let node: string;
beforeAll(async () => {
  node = await fetchNode('18');
});

/** The environment of somebody whose `node` is that one. */
function environment(): NodeJS.ProcessEnv {
  const bin = join(temporaryDirectory(), 'bin');
  mkdirSync(bin);
  symlinkSync(node, join(bin, 'node'));
  return { PATH: `${bin}:${process.env['PATH']}` };
}

it('npm ci says which Node.js is needed, and installs nothing', async () => {
  const copy = temporaryDirectory();
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(checkout, name), join(copy, name));
  const { stdout: npm } = await execa('bash', ['-c', 'command -v npm']);
  const env = environment();
  const { exitCode, stderr } = await execa(node, [realpathSync(npm), 'ci'], { cwd: copy, env, reject: false });
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/Not compatible with your version of node\/npm: pyclink@/);
  expect(stderr).toContain('Required: {"node":">=20.19"}');
  expect(existsSync(join(copy, 'node_modules'))).toBe(false);
});

it('npm run build reports it too', async () => {
  const tsx = join(checkout, 'node_modules/tsx/dist/cli.mjs');
  const call = [tsx, 'integration/bundle.ts'];
  const { exitCode, stderr } = await execa(node, call, { cwd: checkout, env: environment(), reject: false });
  expect(stderr).toMatch(/^pyclink needs Node\.js 20\.19 or later, and this is 18\.\S+$/);
  expect(exitCode).toBe(2);
});
