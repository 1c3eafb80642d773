/**
 * A part of `npm run check`: refuses an option of `build` that no stage reads, and a file of src/ that no test runs. With
 * `--list` it says what runs the files that have no unit test of their own.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { buildOptions } from '../src/pipeline/option-table.ts';
import { scriptCall } from './helpers/script-call.ts';

/** Files that no unit test runs: they read or write real things, and these tests in integration/ run them. */
const inIntegration: Readonly<Record<string, readonly string[]>> = {
  'audit-kinds': ['audit', 'formats', 'levels', 'modules', 'readers', 'summary'].map((name) => `audit/${name}`),
  'audit-recompile': ['differing', 'interpreters', 'jobs', 'recompile'].map((name) => `recompile/${name}`),
  'audit-reports': ['report/audit', 'page/of-audit', 'commands/audit', 'cli/payload-subcommands', 'cli/read-options'],
  'bad-buildroot': ['buildroot/nearest', 'commands/build', 'pipeline/build', 'pipeline/tree'],
  'bad-caches': ['pipeline/open-cache', 'commands/cache'],
  'bad-interpreters': ['compile/open-pools'],
  completions: ['cli/variables'],
  'debian-calls': ['cli/dh', 'commands/dh'],
  'debian-verify': ['commands/dh-verify'],
  diff: ['commands/diff', 'payload/extract'],
  'disk-images': ['payload/disk-image', 'payload/format'],
  formats: ['payload/archive', 'payload/open-tar', 'payload/program', 'payload/targets'],
  images: ['payload/image'],
  inspect: ['commands/inspect'],
  'link-manifest': ['commands/link', 'manifest/fit', 'manifest/of-files'],
  'odd-tars': ['payload/tar-extras'],
  'odd-zips': ['payload/open-zip', 'payload/zip'],
  page: ['page/of-manifest'],
  repeat: ['handle-sources', 'compile-and-write', 'set-mtimes', 'stopwatch', 'work', 'write-pycs'].map(
    (name) => `pipeline/${name}`,
  ),
  restamp: ['commands/restamp', 'links/restamp'],
  prune: ['pipeline/remove-old'],
  'rpm-hooks': ['cli/brp', 'commands/brp'],
  'rpm-payload': ['payload/rpm'],
  signals: ['cli', 'cli/process'],
  terminal: ['report/progress'],
  verify: ['commands/verify', 'commands/relink'],
};

const checkout = join(import.meta.dirname, '..');
const { values } = scriptCall(import.meta.filename, { list: { type: 'boolean' } });
const { stdout } = await execa('git', ['ls-files', 'src/*.ts', 'test/*.ts', 'integration/*.test.ts'], {
  cwd: checkout,
});
const texts = new Map(
  stdout
    .split('\n')
    .filter((path) => existsSync(join(checkout, path)))
    .map((path) => [path, readFileSync(join(checkout, path), 'utf8')]),
);
const sources = [...texts.keys()].filter((path) => path.startsWith('src/'));
const problems = [...unreadOptions(), ...untested()];
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;

/** The options of `build` that are only in the table. Reading one is `options.name`, or `{ name }` of the options. */
function unreadOptions(): string[] {
  const stages = sources.filter((path) => !/^src\/(?:cli\/|pipeline\/option-)/.test(path));
  const all = stages.map((path) => texts.get(path)).join('\n');
  return Object.keys(buildOptions)
    .filter((name) => !new RegExp(`[.]${name}\\b|[{,]\\s*${name}\\b(?=[^:(]*[},])`).test(all))
    .map((name) => `src/pipeline/option-table.ts: no stage reads ${name}: take the option out, or use it`);
}

/** The files without a test and without a reason, and reasons that are none. */
function untested(): string[] {
  const bare = sources.filter((path) => !hasTest(path));
  const reasonOf = new Map(bare.map((path) => [path, unitTestOf(path) ?? integrationTestOf(path)]));
  const lines = Array.from(reasonOf, ([path, reason]) => `${path}: ${reason}\n`);
  const hint = `${bare.length} files of src have no test of their own: npm run sources says what runs them\n`;
  process.stdout.write(values.list === true ? lines.join('') : hint);
  const without = bare.filter((path) => reasonOf.get(path) === undefined);
  const named = Object.values(inIntegration)
    .flat()
    .map((name) => `src/${name}.ts`);
  return [
    ...without.map((path) => `${path}: no test runs it: add ${path.replace(/^src/, 'test').replace(/ts$/, 'test.ts')}`),
    ...named
      .filter((path) => !bare.includes(path) || unitTestOf(path) !== undefined)
      .map((path) => `integration/sources.ts: ${path} is gone, or has a unit test`),
  ];
}

function hasTest(path: string): boolean {
  return texts.has(`test/${path.slice('src/'.length, -'.ts'.length)}.test.ts`);
}

/** Which unit test runs a file that has none of its own. */
function unitTestOf(path: string): string | undefined {
  if (!/^export (?!interface|type|\{ type)/m.test(texts.get(path) ?? '') && path !== 'src/cli.ts') return 'types only';
  const importers = [...texts.keys()].filter((importer) => importsIn(importer).has(path));
  const test = importers.find((importer) => importer.startsWith('test/') && importer.endsWith('.test.ts'));
  if (test !== undefined) return `run by ${test}`;
  const user = importers.find((importer) => importer.startsWith('src/') && hasTest(importer));
  return user && `run by the test of ${user}`;
}

function integrationTestOf(path: string): string | undefined {
  const test = Object.entries(inIntegration).find(([, names]) => names.some((name) => path === `src/${name}.ts`))?.[0];
  const file = `integration/${test}.test.ts`;
  return texts.has(file) ? `run by ${file}` : undefined;
}

function importsIn(importer: string): ReadonlySet<string> {
  const named = (texts.get(importer) ?? '').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g);
  return new Set(Array.from(named, ([, path = '']) => join(dirname(importer), path)));
}
