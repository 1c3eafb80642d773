import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { currentCredentials } from '../files/credentials.ts';
import { trustedPath } from '../files/program-path.ts';
import { isOneExecutable, ownText } from '../own-files.ts';

/** A command line. */
interface WorkerCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** Beside this module in the sources, and beside the bundle. */
const workerFile = join(import.meta.dirname, 'worker.py');
const levelsFile = join(import.meta.dirname, 'levels.py');

/** Without site directories and without writing bytecode. `-I` would make it ignore PYTHONHASHSEED. */
const flags = ['-s', '-S', '-B'];

/**
 * How a worker is started: with its file; with its text where the program is one executable, and in another root file
 * system, which has no such file. Who is not root needs a user namespace to enter one.
 * @param root the root file system that the interpreter is in, if not the running system's
 */
export function workerCommand(executable: string, root: string | undefined): WorkerCommand {
  if (root === undefined && !isOneExecutable()) return { command: executable, args: [...flags, workerFile] };
  const started = [...flags, '-c', programText()];
  if (root === undefined) return { command: executable, args: started };
  return (currentCredentials()?.userId ?? 0) === 0
    ? { command: programOf('chroot'), args: [root, executable, ...started] }
    : { command: programOf('unshare'), args: ['--map-root-user', `--root=${root}`, '--', executable, ...started] };
}

/** PATH may be without the directories of the administrator's programs. */
function programOf(name: string): string {
  const directories = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', ...trustedPath().split(':')];
  const places = directories.map((directory) => join(directory, name));
  return places.find((path) => existsSync(path)) ?? `/usr/sbin/${name}`;
}

/** The texts of pyclink's Python files. */
export function workerTexts(): readonly string[] {
  return [levelsFile, workerFile].map((file) => ownText(file));
}

/** Both Python files as one program. A text of ASCII in JSON is a literal of Python too. */
function programText(): string {
  const [levels, worker] = workerTexts().map((text) => JSON.stringify(text));
  return [
    'import sys',
    'levels = sys.modules["levels"] = type(sys)("levels")',
    `exec(${levels}, levels.__dict__)`,
    `exec(${worker}, {"__name__": "__main__"})`,
  ].join('\n');
}
