import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { currentCredentials } from '../files/credentials.ts';
import { trustedPath } from '../files/program-path.ts';
import { isOneExecutable, ownText } from '../own-files.ts';

/** Next to this module in the sources, and next to the bundle. */
const workerFile = join(import.meta.dirname, 'worker.py');
const levelsFile = join(import.meta.dirname, 'levels.py');

/** Runs without site directories and does not write bytecode. `-I` would ignore PYTHONHASHSEED. */
const flags = ['-s', '-S', '-B'];

/**
 * The command that starts a worker: from its file; or from its text in a single executable or another root file system,
 * which lack the file. Only root can enter a chroot without a user namespace.
 * @param root the root directory of a chroot, if the interpreter is not in the running system
 */
export function workerCommand(executable: string, root: string | undefined) {
  if (root === undefined && !isOneExecutable()) return { command: executable, args: [...flags, workerFile] };
  const started = [...flags, '-c', programText()];
  if (root === undefined) return { command: executable, args: started };
  return (currentCredentials()?.userId ?? 0) === 0
    ? { command: programOf('chroot'), args: [root, executable, ...started] }
    : { command: programOf('unshare'), args: ['--map-root-user', `--root=${root}`, '--', executable, ...started] };
}

/** PATH may lack the administrator's directories. */
function programOf(name: string): string {
  const directories = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', ...trustedPath().split(':')];
  const places = directories.map((directory) => join(directory, name));
  return places.find((path) => existsSync(path)) ?? `/usr/sbin/${name}`;
}

/** The texts of pyclink's Python files. */
export function workerTexts(): readonly string[] {
  return [levelsFile, workerFile].map((file) => ownText(file));
}

/** Both Python files as one program. An ASCII JSON string is also a Python literal. */
function programText(): string {
  const [levels, worker] = workerTexts().map((text) => JSON.stringify(text));
  return [
    'import sys',
    'levels = sys.modules["levels"] = type(sys)("levels")',
    `exec(${levels}, levels.__dict__)`,
    `exec(${worker}, {"__name__": "__main__"})`,
  ].join('\n');
}
