/** `npm run build`: bundles the program into dist/, with the Python files that it runs. */
import { chmodSync, cpSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { scriptCall } from './helpers/script-call.ts';

const checkout = join(import.meta.dirname, '..');
const dist = join(checkout, 'dist');

const options: BuildOptions = {
  absWorkingDir: checkout,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  define: { 'import.meta.dirname': '__dirname' },
  // Bundles load each other by require(). To import() one takes Node.js twice as long.
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
};

/** Large packages that many calls do not need. Each has a bundle of its own, which is read when it is needed. */
const separatePackages = [
  ...[
    '@redis/client',
    'cli-progress',
    'csv-parse/sync',
    'csv-stringify/sync',
    'd3-hierarchy',
    'execa',
    'globby',
    'pino',
  ],
  ...['picomatch', 'tar-stream', 'yauzl', 'zod'],
];

/** `@redis/client` is in `redis-client.cjs`. */
function bundleName(packageName: string): string {
  return `${packageName.replace('@', '').replaceAll('/', '-')}.cjs`;
}

const separate: Plugin = {
  name: 'separate-bundles',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^\.\/cli\/process\.ts$/ }, () => ({ path: './program.cjs', external: true }));
    bundler.onResolve({ filter: /^[^.]/ }, ({ path, kind }) =>
      kind !== 'entry-point' && separatePackages.includes(path)
        ? { path: `./${bundleName(path)}`, external: true }
        : undefined,
    );
  },
};

/** Bundles the program and the Python files into a directory. @param settings of the program's bundle */
export async function bundleInto(directory: string, settings: BuildOptions): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  await build({ ...options, ...settings, entryPoints: ['src/cli.ts'], outfile: join(directory, 'pyclink.cjs') });
  for (const name of ['worker.py', 'levels.py']) cpSync(join(checkout, 'src/compile', name), join(directory, name));
}

/** zod's messages in fifty languages are half of it. pyclink has the English ones, which zod imports by themselves. */
const oneLanguage: Plugin = {
  name: 'one-language',
  setup: (bundler) => {
    bundler.onLoad({ filter: /\/zod\/v4\/locales\/index\.c?js$/ }, () => ({ contents: '' }));
  },
};

/** Makes dist/. Its files are replaced one by one, so that a pyclink that runs meanwhile misses none. */
async function main(): Promise<void> {
  const made = `${dist}.new-${process.pid}`;
  await bundleInto(made, { plugins: [separate], banner: { js: '#!/usr/bin/env node' } });
  await build({
    ...options,
    entryPoints: ['src/cli/process.ts'],
    outfile: join(made, 'program.cjs'),
    plugins: [separate],
  });
  for (const name of separatePackages) {
    await build({ ...options, entryPoints: [name], outfile: join(made, bundleName(name)), plugins: [oneLanguage] });
  }
  chmodSync(join(made, 'pyclink.cjs'), 0o755);
  const names = readdirSync(made);
  mkdirSync(dist, { recursive: true });
  for (const name of names) renameSync(join(made, name), join(dist, name));
  for (const name of readdirSync(dist)) if (!names.includes(name)) rmSync(join(dist, name), { recursive: true });
  rmdirSync(made);
  // It says what is in the bundles.
  const { stageShare } = await import('./stage.ts');
  stageShare(join(dist, 'share'));
}

if (process.argv[1] === import.meta.filename) {
  scriptCall(import.meta.filename, {});
  await main();
}
