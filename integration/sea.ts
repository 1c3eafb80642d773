/**
 * `npm run sea [-- FILE]`: makes dist/pyclink, one executable with Node.js, the program and the Python files in it.
 * See docs/images.md.
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { bundleInto } from './bundle.ts';
import { fetchNode } from './helpers/fetch-node.ts';
import { scriptCall } from './helpers/script-call.ts';
import { noticesText } from './stage/notices.ts';

/** A release that is supported for long. Debian's own Node.js is linked to a libnode, and cannot be copied. */
const release = '24';

/** What Node.js looks for in its executable. @see the documentation of single executable applications */
const [resource, fuse] = ['NODE_SEA_BLOB', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'];

const { positionals } = scriptCall(import.meta.filename, {}, () => true);
const { 0: executable = join(import.meta.dirname, '../dist/pyclink') } = positionals;
const work = mkdtempSync(join(tmpdir(), 'pyclink-sea-'));
const at = (name: string) => join(work, name);
try {
  const node = await fetchNode(release);
  await bundleInto(work, {});
  const assets = ['pyclink.cjs', 'worker.py', 'levels.py'];
  // The blob has these paths in it.
  const config = {
    main: 'pyclink.cjs',
    output: 'blob',
    disableExperimentalSEAWarning: true,
    assets: Object.fromEntries(assets.map((name) => [name, name])),
  };
  writeFileSync(at('config.json'), JSON.stringify(config));
  await execa(node, ['--experimental-sea-config', 'config.json'], { cwd: work });
  copyFileSync(node, at('pyclink'));
  // It warns about sections that it does not know.
  await execa('postject', [at('pyclink'), resource, at('blob'), '--sentinel-fuse', fuse], { preferLocal: true });
  mkdirSync(dirname(executable), { recursive: true });
  rmSync(executable, { force: true });
  copyFileSync(at('pyclink'), executable);
  chmodSync(executable, 0o755);
  writeFileSync(join(dirname(executable), 'THIRD-PARTY-NOTICES'), noticesText());
} finally {
  rmSync(work, { recursive: true });
}
process.stdout.write(`${executable}: ${(statSync(executable).size / 2 ** 20).toFixed(0)} MiB\n`);
