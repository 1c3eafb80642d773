/**
 * `npm run demo`: the main job on real input. Stages the system Python's own standard library in a temporary
 * buildroot, runs pyclink as a packager would, and shows that the interpreter loads what came out.
 */
import { cpSync, lstatSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { everythingIn } from '../test/helpers/buildroot.ts';
import { bundle } from '../test/helpers/pyclink.ts';
import { type RealPython, systemPython } from '../test/helpers/pythons.ts';
import { scriptCall } from './helpers/script-call.ts';

scriptCall(import.meta.filename, {});

const imported =
  'argparse asyncio difflib email.message http.client json logging pathlib typing unittest xml.dom.minidom';

const work = realpathSync(mkdtempSync(join(tmpdir(), 'pyclink-demo-')));
const buildroot = join(work, 'buildroot');
const manifest = join(work, 'pyclink.json');
try {
  say(`The standard library of Python ${systemPython.version}, staged in ${buildroot}`);
  stageLibrary(systemPython);

  say('Build, as after the install step of a package');
  await run('build', '--buildroot', buildroot, '--manifest', manifest);

  say('Verify the tree against the manifest');
  await run('verify', '--manifest', manifest, buildroot);

  say(`Let Python load it: ${imported}`);
  for (const [flag, level] of [
    ['', 0],
    ['-O', 1],
    ['-OO', 2],
  ] as const)
    await load(systemPython, flag, level);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function stageLibrary(python: RealPython): void {
  const left = new Set(['__pycache__', 'site-packages', 'dist-packages']);
  cpSync(python.library, join(buildroot, `/usr/lib/python${python.minor}`), {
    recursive: true,
    preserveTimestamps: true,
    dereference: true,
    filter: (path) => !left.has(basename(path)),
  });
}

/** Runs pyclink on this terminal. */
async function run(...args: string[]): Promise<void> {
  process.stdout.write(`$ pyclink ${args.join(' ')}\n`);
  await execa(process.execPath, [bundle, ...args], { stdio: 'inherit' });
}

/** Imports modules of the staged library and counts, from what `python3 -v` says, where their code came from. */
async function load(python: RealPython, flag: string, level: number): Promise<void> {
  const before = fingerprint();
  const args = ['-v', '-S', ...(flag === '' ? [] : [flag]), '-c', `import ${imported.replaceAll(' ', ', ')}`];
  // Nothing keeps this Python from writing a pyc that it finds stale.
  const env = { PATH: '/usr/bin:/bin', PYTHONHOME: join(buildroot, 'usr') };
  const { stderr } = await execa(python.executable, args, { env, extendEnv: false });
  const pycs = [...stderr.matchAll(/^# code object from '(.*\.pyc)'$/gm)].map(([, path]) => path as string);
  const linked = pycs.filter((path) => lstatSync(path).nlink > 1).length;
  const compiled = (stderr.match(/^# code object from .*\.py$/gm) ?? []).length;
  const command = `python3 ${flag}`.trim();
  process.stdout.write(
    `${command.padEnd(11)} level ${level}: ${pycs.length} pycs loaded, ${linked} of them linked, ${compiled} compiled anew\n`,
  );
  if (pycs.length === 0 || compiled > 0 || fingerprint() !== before) throw new Error(`${command} did not use the pycs`);
}

function fingerprint(): string {
  const pycs = everythingIn(buildroot).filter((path) => path.endsWith('.pyc'));
  return pycs.map((path) => `${path} ${lstatSync(join(buildroot, path)).ino}`).join('\n');
}

function say(title: string): void {
  process.stdout.write(`\n== ${title}\n`);
}
