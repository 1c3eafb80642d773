/** `npm run build`: bundles the program into dist/, with what starts it and the Python files that it runs. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const checkout = join(import.meta.dirname, '..');
const dist = join(checkout, 'dist');
const at = (name: string) => join(dist, name);

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

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
await build({ ...options, entryPoints: ['src/cli.ts'], plugins: [redisClient], outfile: at('program.cjs') });
await build({ ...options, entryPoints: ['@redis/client'], outfile: at('redis-client.cjs') });
// Comments of libraries have other characters; strings have escapes.
const ascii = readFileSync(at('program.cjs'), 'utf8').replace(/[^ -~\t\n]/gu, '?');
const program = `(function (require, module, exports, __filename, __dirname) {${ascii}})\n`;
writeFileSync(at('program.cjs'), program);

const id = createHash('sha256').update(program).digest('hex');
const define = { ...options.define, PROGRAM_ID: JSON.stringify(id) };
const banner = { js: '#!/usr/bin/env node' };
await build({ ...options, define, banner, entryPoints: ['src/start/start.ts'], outfile: at('pyclink.cjs') });
await build({
  ...options,
  define,
  entryPoints: ['src/start/write-code-cache.ts'],
  outfile: at('write-code-cache.cjs'),
});
chmodSync(at('pyclink.cjs'), 0o755);
for (const name of ['worker.py', 'levels.py']) cpSync(join(checkout, 'src/compile', name), at(name));
execFileSync(process.execPath, [at('write-code-cache.cjs')]);
