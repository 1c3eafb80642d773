/** `npm run build`: bundles the program into dist/, with what starts it and the Python files that it runs. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const checkout = join(import.meta.dirname, '..');
const dist = join(checkout, 'dist');

const options: BuildOptions = {
  absWorkingDir: checkout,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  define: { 'import.meta.dirname': '__dirname' },
  logLevel: 'warning',
};

/** What few use and everybody would have to load. */
const redisClient: Plugin = {
  name: 'redis-client',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^@redis\/client$/ }, () => ({ path: './redis-client.cjs', external: true }));
  },
};

/**
 * Bundles the program, what starts it, and the Python files into a directory.
 * @param start what starts it
 * @param plugins for the program
 */
export async function bundleInto(directory: string, start: string, plugins: Plugin[]): Promise<void> {
  const at = (name: string) => join(directory, name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  await build({ ...options, entryPoints: ['src/cli.ts'], plugins, outfile: at('program.cjs') });
  // It is read as Latin-1. Comments of libraries have other characters; strings have escapes for them.
  const ascii = readFileSync(at('program.cjs'), 'utf8').replace(/\P{ASCII}/gu, '?');
  const program = `(function (require, module, exports, __filename, __dirname) {${ascii}})\n`;
  writeFileSync(at('program.cjs'), program);
  const define = { ...options.define, PROGRAM_ID: JSON.stringify(createHash('sha256').update(program).digest('hex')) };
  const banner = { js: '#!/usr/bin/env node' };
  await build({ ...options, define, banner, entryPoints: [start], outfile: at('pyclink.cjs') });
  const writer = ['src/start/write-code-cache.ts'];
  await build({ ...options, define, entryPoints: writer, outfile: at('write-code-cache.cjs') });
  for (const name of ['worker.py', 'levels.py']) cpSync(join(checkout, 'src/compile', name), at(name));
}

/** Makes dist/. */
async function main(): Promise<void> {
  await bundleInto(dist, 'src/start/start.ts', [redisClient]);
  await build({ ...options, entryPoints: ['@redis/client'], outfile: join(dist, 'redis-client.cjs') });
  chmodSync(join(dist, 'pyclink.cjs'), 0o755);
  execFileSync(process.execPath, [join(dist, 'write-code-cache.cjs')]);
}

if (process.argv[1] === import.meta.filename) await main();
