/** Packs a fresh clone with npm, installs what came out, and builds a tree with it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { linkGroupsIn, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { deadLinks } from './helpers/dead-links.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const checkout = join(import.meta.dirname, '..');
const site = '/usr/lib/python3/dist-packages/shop';
const docs = readdirSync(join(checkout, 'docs')).filter((name) => /\.(md|svg)$/.test(name));
/** What the packages of distributions have in /usr/share. */
const shared = [
  'bash-completion/completions/pyclink',
  'doc/pyclink/libraries',
  'fish/vendor_completions.d/pyclink.fish',
  'licenses/pyclink/Apache-2.0',
  'licenses/pyclink/THIRD-PARTY-NOTICES',
  'licenses/pyclink/copyright',
  'man/man1/dh_pyclink.1',
  'man/man1/pyclink.1',
  'zsh/site-functions/_pyclink',
];

describeWith(missingTools('git', 'npm', 'tar'), 'npm pack', () => {
  it('makes a package of a fresh clone that installs without the network, and works', async () => {
    const directory = temporaryDirectory();
    const clone = join(directory, 'pyclink');
    const prefix = join(directory, 'installed');
    const { stdout: cache } = await execa('npm', ['config', 'get', 'cache']);
    const npm = { npm_config_cache: cache, npm_config_prefer_offline: 'true' };
    const env = { PATH: process.env['PATH'] ?? '', HOME: directory, LC_ALL: 'C.UTF-8', ...npm };
    const run = async (command: string, args: readonly string[], cwd = directory) =>
      (await execa(command, args, { cwd, env, extendEnv: false })).stdout;

    await clonedWithChanges(clone);
    const manifest = readFileSync(join(clone, 'package.json'), 'utf8');
    await run('npm', ['pack', '--silent'], clone);
    const packages = readdirSync(clone).filter((name) => name.endsWith('.tgz'));
    expect(packages).toEqual([expect.stringMatching(/^pyclink-\d+\.\d+\.\d+(-dev)?\.tgz$/)]);
    const [tarball = ''] = packages.map((name) => join(clone, name));

    const list = await run('tar', ['--list', '--verbose', '--file', tarball]);
    expect(
      list
        .split('\n')
        .map((line) => `${line.slice(0, 10)} ${line.replace(/.* package\//, '')}`)
        .sort(),
    ).toEqual([
      '-rw-r--r-- CHANGELOG.md',
      '-rw-r--r-- CONTRIBUTING.md',
      '-rw-r--r-- LICENSE',
      '-rw-r--r-- README.md',
      '-rw-r--r-- SECURITY.md',
      '-rw-r--r-- dist/cli-progress.cjs',
      '-rw-r--r-- dist/csv-parse-sync.cjs',
      '-rw-r--r-- dist/csv-stringify-sync.cjs',
      '-rw-r--r-- dist/d3-hierarchy.cjs',
      '-rw-r--r-- dist/execa.cjs',
      '-rw-r--r-- dist/globby.cjs',
      '-rw-r--r-- dist/levels.py',
      '-rw-r--r-- dist/picomatch.cjs',
      '-rw-r--r-- dist/pino.cjs',
      '-rw-r--r-- dist/program.cjs',
      '-rw-r--r-- dist/redis-client.cjs',
      ...shared.map((path) => `-rw-r--r-- dist/share/${path}`),
      '-rw-r--r-- dist/tar-stream.cjs',
      '-rw-r--r-- dist/worker.py',
      '-rw-r--r-- dist/yauzl.cjs',
      '-rw-r--r-- dist/zod.cjs',
      ...docs.map((name) => `-rw-r--r-- docs/${name}`),
      '-rw-r--r-- package.json',
      '-rwxr-xr-x dist/pyclink.cjs',
    ]);

    const flags = ['--offline', '--no-audit', '--no-fund', '--prefix', prefix];
    await run('npm', ['install', '--global', ...flags, tarball]);
    const program = join(prefix, 'bin/pyclink');
    // What npm pack packs has no dependencies: they are in the bundles.
    expect(readFileSync(join(clone, 'package.json'), 'utf8')).toBe(manifest);
    expect(existsSync(join(prefix, 'share/man/man1/pyclink.1'))).toBe(true);
    expect(deadLinks(join(prefix, 'lib/node_modules/pyclink'))).toEqual([]);
    expect(`pyclink-${await run(program, ['--version'])}.tgz`).toBe(packages[0]);
    const buildroot = plantBuildroot({ [`${site}/cart.py`]: 'x = 1\n', [`${site}/till.py`]: '"""Docs."""\n' });
    const args = ['--python', '/usr/bin/python3', '--buildroot', buildroot, site];
    expect(await run(program, ['build', ...args])).toMatch(/^pyclink: 2 sources, 6 pycs, 3 links in 2 groups$/m);
    expect(linkGroupsIn(buildroot).map((paths) => paths.length)).toEqual([3, 2, 1]);
  });
});

/** Clones the checkout, with what is not committed yet; `npm ci` has not been run there. */
async function clonedWithChanges(clone: string): Promise<void> {
  const git = (...args: string[]) => execa('git', ['-C', checkout, ...args]);
  await git('clone', '--quiet', '--no-hardlinks', checkout, clone);
  const { stdout: changed } = await git('ls-files', '--modified', '--others', '--exclude-standard', '-z');
  const { stdout: deleted } = await git('ls-files', '--deleted', '-z');
  const gone = deleted.split('\0');
  const files = changed.split('\0').filter((file) => file !== '' && !gone.includes(file));
  if (files.length > 0) await execa('cp', ['--parents', ...files, clone], { cwd: checkout });
}
