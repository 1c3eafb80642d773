/**
 * `write-code-cache.cjs [FILE]` writes V8's code cache of the program, for the Node.js that runs this. Packages call it
 * when they are installed, and when Node.js changes. It has the program compile two modules first, so that the cache has
 * what a build needs.
 */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFile, codeCacheOf, loadProgram, programFile } from './code-cache.ts';

const [, , file = cacheFile] = process.argv;
const buildroot = mkdtempSync(join(tmpdir(), 'pyclink-cache-'));
const modules = join(buildroot, 'usr/lib/python3/dist-packages');
mkdirSync(modules, { recursive: true });
writeFileSync(join(modules, 'a.py'), '"""A module."""\n\n\ndef pay(price):\n    assert price\n    return price\n');
writeFileSync(join(modules, 'b.py'), 'x = {"a": (1, 2.5, b"c", frozenset({1}))}\n');

const options = ['--python', 'python3', '--errors', 'warn', '-j', '1'];
process.argv = [process.execPath, programFile, 'brp', 'bytecompile', '', '', '', '', '--', ...options];
process.env['RPM_BUILD_ROOT'] = buildroot;
// Nobody builds now: a cache would be made by whoever installs this, and be of no use to its owner.
for (const name of Object.keys(process.env)) if (name.startsWith('PYCLINK_')) delete process.env[name];
process.stdout.write = () => true;
process.stderr.write = () => true;
const { script, run } = loadProgram(readFileSync(programFile));
process.once('exit', () => {
  rmSync(buildroot, { recursive: true, force: true });
  // Installed without a cache, the program works as well.
  try {
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, codeCacheOf(script), { mode: 0o644 });
    renameSync(temporary, file);
  } catch {}
  process.exitCode = 0;
});
run(createRequire(programFile));
