/**
 * `npm run packages [-- DIR]`: makes all that a release has, in one folder (packages/): .rpm, .deb, npm tarball,
 * executable, bill of materials, licence texts, and SHA256SUMS. Needs rpmbuild and dpkg-buildpackage. The same checkout
 * gives the same bytes. A version without `-dev` is refused while docs/release.md has placeholders.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { execa, execaSync } from 'execa';
import { sha256Of } from '../src/sha256.ts';
import { buildIn } from './helpers/own-package.ts';
import { buildRpm } from './helpers/own-rpm.ts';
import { lackingForRelease } from './helpers/release.ts';
import { bundleMaterials } from './helpers/sbom.ts';
import { scriptCall } from './helpers/script-call.ts';

const checkout = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(checkout, path), 'utf8');
const { positionals } = scriptCall(import.meta.filename, {}, () => true);
const { 0: directory = join(checkout, 'packages') } = positionals;
const target = resolve(directory);
const { version } = JSON.parse(read('package.json')) as { version: string };
const lacking = lackingForRelease(version, read);
if (lacking.length > 0) {
  process.stderr.write(`${version} cannot be released (see docs/release.md):\n${lacking.join('\n')}\n`);
  process.exit(2);
}
const needed = ['rpmbuild', 'dpkg-buildpackage', 'dh'];
const missing = needed.filter((tool) => execaSync(tool, ['--version'], { reject: false }).code === 'ENOENT');
if (missing.length > 0) {
  process.stderr.write(
    `${missing.join(', ')} is missing: apt install rpm dpkg-dev debhelper, or make the npm tarball alone: npm pack\n`,
  );
  process.exit(2);
}
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
const work = mkdtempSync(join(tmpdir(), 'pyclink-packages-'));
const take = (path: string) => copyFileSync(path, join(target, basename(path)));
const run = (command: string, ...args: string[]) => execa(command, args, { cwd: checkout, preferLocal: true });

try {
  // It builds dist/, which the others take.
  await run('npm', 'pack', '--silent', '--pack-destination', target);
  const { stdout: epoch } = await run('dpkg-parsechangelog', '--show-field', 'Timestamp');
  for (const rpm of await buildRpm(join(work, 'rpm'), epoch)) take(rpm);
  take((await buildIn(join(work, 'deb'))).deb);
  await run('tsx', 'integration/sea.ts', join(target, 'pyclink'));
  writeFileSync(join(target, 'pyclink.cdx.json'), `${JSON.stringify(await bundleMaterials(), null, 2)}\n`);
  const sums = readdirSync(target)
    .sort()
    .map((name) => `${sha256Of(readFileSync(join(target, name)))}  ${name}\n`);
  writeFileSync(join(target, 'SHA256SUMS'), sums.join(''));
  process.stdout.write(sums.join(''));
} finally {
  rmSync(work, { recursive: true, force: true });
}
