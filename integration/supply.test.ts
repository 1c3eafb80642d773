/** What is in the bundle, where it came from, and what it does not do: reach the network, or start a shell. */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { bundle } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { healthyText, library } from './helpers/healthy.ts';
import { bundledPackages, bundleMaterials } from './helpers/sbom.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const checkout = join(import.meta.dirname, '..');
const lock = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { version: string; resolved?: string; integrity?: string }>;
};
const registry = 'https://registry.npmjs.org/';
const dependencies = Object.entries(lock.packages).filter(([path]) => path !== '');

describe('the dependencies', () => {
  it('are locked to the content of packages of the public registry', () => {
    expect(dependencies.length).toBeGreaterThan(50);
    const loose = dependencies.filter(
      ([, { resolved, integrity }]) =>
        (resolved ?? registry).startsWith(registry) === false || !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''),
    );
    expect(loose).toEqual([]);
  });

  it('of the bundle are exactly its bill of materials', async () => {
    const bundled = await bundledPackages();
    const { components } = await bundleMaterials();
    expect(components.map(({ name, version }) => `${name}@${version}`).sort()).toEqual(bundled.sort());
    const locked = dependencies.map(([path, { version }]) => `${path.replace(/.*node_modules\//, '')}@${version}`);
    expect(bundled.filter((name) => !locked.includes(name))).toEqual([]);
    expect(components.filter(({ licenses = [] }) => licenses.length === 0)).toEqual([]);
    const names = new Set(components.map(({ name }) => name));
    expect(['commander', 'execa', 'globby', 'zod', 'pino', 'vitest'].filter((name) => !names.has(name))).toEqual([
      'vitest',
    ]);
  });
});

describeWith(missingTools('strace', 'tar'), 'a run', () => {
  it('opens no internet sockets, and starts no shell', async () => {
    const buildroot = plantBuildroot({ [`${library}/m.py`]: healthyText });
    const work = temporaryDirectory();
    const at = (name: string) => join(work, name);
    const traced = async (name: string, ...args: string[]) => {
      const flags = ['-f', '-qq', '-e', 'trace=%network,execve', '-o', at(`${name}.trace`)];
      const ran = await execa('strace', [...flags, process.execPath, bundle, ...args], { reject: false });
      expect([name, ran.exitCode, ran.stderr]).toEqual([name, 0, expect.any(String)]);
      const trace = readFileSync(at(`${name}.trace`), 'utf8');
      const sockets = trace.split('\n').filter((line) => /AF_INET|AF_NETLINK/.test(line));
      const started = [...trace.matchAll(/execve\("([^"]+)", .* = 0$/gm)].map(([, program]) => program);
      return { sockets, started: [...new Set(started)].sort() };
    };
    const [manifest, tar] = [at('manifest.json'), at('layer.tar')];
    expect(await traced('build', 'build', '--buildroot', buildroot, '--manifest', manifest)).toEqual({
      sockets: [],
      started: [process.execPath, realpathSync(systemPython.executable)].sort(),
    });
    await execa('tar', ['--create', '--file', tar, '--directory', buildroot, '.']);
    const nothingElse = { sockets: [], started: [process.execPath] };
    expect(await traced('link', 'link', '--buildroot', buildroot)).toEqual(nothingElse);
    expect(await traced('relink', 'relink', '--buildroot', buildroot, '--manifest', manifest)).toEqual(nothingElse);
    expect(await traced('verify', 'verify', '--manifest', manifest, tar)).toEqual(nothingElse);
    expect(await traced('tree', 'verify', '--manifest', manifest, buildroot)).toEqual(nothingElse);
  });
});
